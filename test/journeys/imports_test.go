package journeys

import (
	"crypto/rand"
	"testing"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/world"
)

// TestImportAndAdopt brings what a destination held before Keeper came into Keeper, and makes
// what stands there under the name of a secret Keeper's own.
func TestImportAndAdopt(t *testing.T) {
	g := ground{world.Start(t, world.Options{})}
	p := newPerson(t, g, browser.For(t))
	admin, _ := g.Admin(t)
	for name, value := range map[string]string{"old/db": "db of before", "old/mail": "mail of before", "production/reports/key": "theirs"} {
		_, err := g.There.Call(t.Context(), "CreateSecret", map[string]any{"Name": name, "SecretString": value, "ClientRequestToken": rand.Text() + rand.Text()})
		must(t, err)
	}
	_, err := admin.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "production"})
	must(t, err)
	_, err = admin.CreateSecret(t.Context(), api.NewSecret{EnvironmentID: api.EnvironmentNamed("production"), Name: "reports/key", SecretType: "TEXT", Value: api.NewValue("ours")})
	must(t, err)
	made, err := admin.CreateDestination(t.Context(), api.NewDestination{
		EnvironmentID: api.EnvironmentNamed("production"), Name: "aws", Kind: "aws_secrets_manager",
		Config:      api.DestinationConfig{Region: world.Region, Endpoint: g.AWS.URL, Prefix: "production/"},
		Credentials: api.DestinationCredentials{AccessKeyID: api.NewValue("test"), SecretAccessKey: api.NewValue("test")},
	})
	must(t, err)
	there := "/destinations/" + made.ID
	p.signIn(app.FirstUser, world.Password)

	t.Run("Import", func(t *testing.T) {
		p.in(t).open(there)
		p.follow(`.tabs a[href="` + there + `/imports"]`)
		p.follow("#act-import")
		p.fill("#f-prefix", "old/")
		p.follow(`form[action="` + there + `/imports"] button[type=submit]`)
		p.sees(".choice-count", "2 of 2 chosen")
		p.follow("#act-go")
		p.sees(".notice", "2 secrets would be made")
		p.follow("#act-apply")
		p.sees(".page-facts", "done") // it goes on by itself
		p.look()
		p.open("/secrets?q=mail")
		p.follow(`#results a[href^="/secrets/"].row-link`)
		p.press("[data-reveal-button]")
		p.sees("[data-secret-value]", "mail of before")
	})
	t.Run("Adopt", func(t *testing.T) {
		p.in(t).open(there + "/imports")
		p.follow("#act-adopt")
		p.follow(`form[action="` + there + `/imports"] button[type=submit]`)
		p.sees("tbody", "different")
		p.follow("#act-go")
		p.press(`label[for="f-side-keeper"]`)
		p.fill("#f-confirm", "aws")
		p.follow("#act-apply")
		p.sees("tbody", "adopted")
		p.look()
		g.arrives(t, "production/reports/key", "ours")
	})
	t.Run("Links", p.in(t).arrived)
}
