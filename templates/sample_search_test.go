package templates

import (
	"time"

	"github.com/your-org/keeper/models"
)

func sampleSearch(b BasePage, all map[string]Page) {
	all["search/results"] = &SearchPage{BasePage: b, Query: "stripe", Groups: []FoundGroup{
		{"Secrets", []Found{FoundSecret(sampleSecret(1, "payments/stripe/api-key", models.APIKey, time.Hour), production), FoundSecret(sampleSecret(2, "stripe", models.Text, time.Hour), staging)}},
		{"Environments", []Found{FoundEnvironment(production)}},
		{"Destinations", []Found{FoundDestination(awsMain, production)}},
		{"Go to", []Found{FoundPlace("New secret", "plus-lg", "/secrets/new")}},
		{"Runs", []Found{FoundRun(b, RunView{models.SyncRun{ID: "run_1", Status: models.RunFailed, StartedAt: ago(time.Hour)}, awsMain, production})}},
		{"People", []Found{FoundUser(models.User{ID: "usr_1", Username: "maria", DisplayName: "Maria Okafor"})}},
		{"Groups", []Found{FoundPeopleGroup(models.Group{ID: "grp_1", Name: "operations", Description: "Keeps it running"})}},
	}}
	all["search/results none"] = &SearchPage{BasePage: b, Query: "zzz"}
	all["search/results unasked"] = &SearchPage{BasePage: b}
}
