package journeys

import (
	"path"
	"testing"

	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/world"
)

// What the journeys are about. The value is what Keeper holds in the end.
const (
	name   = "payments/db/password"
	remote = "production/" + name
	value  = "correct horse battery"
)

// story is what one journey leaves to the next.
type story struct {
	ground
	browser     *browser.Browser
	ada         *person // the administrator of the first run
	secret      string  // path of its page
	destination string
}

// TestJourneys makes one journey after the other in one Keeper, as its people would.
func TestJourneys(t *testing.T) {
	s := &story{browser: browser.For(t), ground: ground{world.Start(t, world.Options{
		Settings: map[string]string{"KEEPER_DATA_KEY_MAX_USES": "1"}, // what KMS does shows at once
	})}}
	s.ada = newPerson(t, s.ground, s.browser)
	s.ada.signIn(app.FirstUser, world.Password)
	for _, journey := range []struct {
		name string
		make func(*story, *testing.T)
	}{
		{"FirstRun", (*story).firstRun},
		{"DriftAndRepair", (*story).drift},
		{"PlanAndApply", (*story).plan},
		{"ConflictByHand", (*story).conflict},
		{"HistoryAndRollback", (*story).rollback},
		{"Undelete", (*story).undelete},
		{"GrantAndRefuse", (*story).grant},
		{"AuditSearch", (*story).audit},
		{"SessionEndedElsewhere", (*story).endSession},
		{"KMSAway", (*story).kmsAway},
	} {
		if !t.Run(journey.name, func(t *testing.T) {
			s.ada.in(t)
			journey.make(s, t)
			s.ada.silent("the end of the journey")
		}) {
			t.Fatal("the next journey begins where this one ends")
		}
	}
	t.Run("Links", s.ada.arrived)
}

// firstRun goes from empty to a first synced secret, and leaves the guide once on the way.
func (s *story) firstRun(t *testing.T) {
	p := s.ada
	p.sees("#setup .next", "Create an environment")
	p.follow("#setup-go")
	p.fill("#f-name", "production")
	p.fill("#f-display-name", "Production")
	p.follow(`form[action="/environments"] button[type=submit]`)
	p.sees("#guide [aria-current=step]", "Connect a destination")
	p.open("/")
	p.sees("#setup", "1 of 4 done")
	p.follow("#setup-go")
	p.follow(`.choice[href*="aws_secrets_manager"]`)
	p.fill("#f-name", "aws")
	p.fill("#f-config-region", world.Region)
	p.fill("#f-config-endpoint", s.AWS.URL)
	p.fill("#f-credentials-access-key-id", "test")
	p.fill("#f-credentials-secret-access-key", "test")
	p.fill("#f-config-write-burst", "-1") // so many changes in a few seconds are a test's alone
	must(t, s.AWS.Inject(standin.Fault{Service: "secretsmanager", Operation: "PutSecretValue", Kind: standin.FaultDenied}))
	p.press("#act-try")
	p.sees("#connection-test", "does not do all that syncing needs")
	p.sees("#permissions", "not allowed")
	s.AWS.ClearFaults()
	p.press("#act-try") // the credentials are still in their fields
	p.sees("#connection-test", "everything that syncing needs is allowed")
	p.look()
	p.follow(`form[action="/environments/production/destinations"] button.btn-primary`)
	p.sees("#guide [aria-current=step]", "Write a secret")
	p.fill("#f-name", name)
	p.fill("#f-value", value)
	p.follow(`form[action="/secrets"] button[type=submit]`)
	p.sees("#guide", "The first secret is synced.") // by itself
	p.sees("#synced", "in sync")
	s.arrives(t, remote, value)
	s.secret = p.at()
	p.look()
	p.open("/environments/production/destinations")
	p.follow(`main a[href^="/destinations/"]`)
	s.destination = p.at()
}

// drift has a copy changed by others, and Keeper write it again.
func (s *story) drift(t *testing.T) {
	p := s.ada
	s.edit(t, remote, "changed by hand")
	p.open(s.destination)
	p.follow("#act-sync")
	s.arrives(t, remote, value)
	p.open(s.destination + "/runs")
	p.follow(`main a[href^="/sync/runs/"]`)
	p.sees("#run", "succeeded")
	p.sees("#run", "repaired")
	p.open(s.secret)
	p.sees("#synced", "in sync")
}

// plan looks at what a run would do before it is done.
func (s *story) plan(t *testing.T) {
	p := s.ada
	s.edit(t, remote, "changed once more")
	p.open(s.destination)
	p.follow("#act-plan")
	p.sees("tbody", "overwrite")
	p.follow("#act-apply")
	p.fill("#f-confirm", "aws")
	p.follow(`form[action$="/apply"] button[type=submit]`)
	p.sees("#run", "succeeded")
	p.look()
	s.arrives(t, remote, value)
}

// conflict has a person decide whose value counts.
func (s *story) conflict(t *testing.T) {
	p := s.ada
	s.strategy("manual")
	s.edit(t, remote, "theirs")
	p.open(s.destination)
	p.follow("#act-sync")
	p.open("/")
	p.sees("#attention", "1 difference at aws") // once the run has ended
	p.follow(`#attention a[href$="/holds"]`)
	p.follow("#holds .acts a")
	p.sees("#verdict", "are not equal")
	p.follow("#act-keeper")
	s.arrives(t, remote, value)
	p.open(s.secret)
	p.sees("#synced", "in sync")
	s.strategy("keeper_wins")
}

func (s *story) strategy(to string) {
	s.ada.open(s.destination + "/edit")
	s.ada.press("#f-strategy-" + to)
	s.ada.follow(`form[action$="/edit"] button[type=submit]`)
}

// rollback writes a wrong value, looks at the history and brings the old one back.
func (s *story) rollback(t *testing.T) {
	p := s.ada
	p.open(s.secret + "/versions/new")
	p.fill("#f-value", "a mistake")
	p.follow(`form[action$="/versions"] button[type=submit]`)
	s.arrives(t, remote, "a mistake")
	p.open(s.secret + "/versions")
	p.follow(`a[href$="/versions/1/rollback"]`)
	p.fill("#f-comment", "the old one was right")
	p.follow(`form[action$="/rollback"] button[type=submit]`)
	s.arrives(t, remote, value)
	p.open(s.secret + "/versions")
	p.sees("tbody", "value of version 1 brought back")
}

// undelete deletes a secret, finds it among the deleted and takes it back.
func (s *story) undelete(t *testing.T) {
	p := s.ada
	p.open(s.secret + "/delete")
	p.fill("#f-confirm", name)
	p.follow(`form[action$="/delete"] button[type=submit]`)
	s.arrives(t, remote, "")
	p.open("/secrets/deleted")
	p.follow(`button[form="undelete-` + path.Base(s.secret) + `"]`)
	s.arrives(t, remote, value)
	p.open(s.secret)
	p.sees("#synced", "in sync")
}

// grant lets somebody in who saw nothing, and shuts the door again.
func (s *story) grant(t *testing.T) {
	first := s.person(t, "lin")
	lin, ada := newPerson(t, s.ground, s.browser), s.ada
	lin.signIn("lin", first)
	lin.fill("#f-current-password", first)
	lin.fill("#f-new-password", "amber lantern harbour 7")
	lin.fill("#f-repeat-password", "amber lantern harbour 7")
	lin.follow(`form[action="/password"] button[type=submit]`)
	lin.may = "404"
	lin.open(s.secret)
	lin.sees("h1", "")
	s.unseen(lin)

	members := "/environments/production/members"
	ada.open(members)
	ada.fill("#f-user", "lin")
	must(t, ada.Ask(new(bool), `() => ((document.querySelector("#f-role").value = "reader"), true)`))
	ada.follow("#act-give")
	ada.sees("#members", "lin")
	lin.open(s.secret)
	lin.sees("h1", name)
	lin.press("[data-reveal-button]")
	lin.sees("[data-secret-value]", value)
	lin.may = "403"
	lin.open(s.secret + "/edit")
	lin.sees("main", "may not")

	ada.open(members)
	ada.follow(`#members button[name=role][value=""]`)
	lin.may = "404"
	lin.open(s.secret)
	s.unseen(lin)
}

// unseen holds that a page tells nothing of the secret.
func (s *story) unseen(p *person) {
	p.t.Helper()
	var text string
	must(p.t, p.Ask(&text, `() => document.querySelector("h1").innerText`))
	if text == name {
		p.t.Errorf("somebody without a role is told of %s", name)
	}
}

// audit finds who has seen the value.
func (s *story) audit(t *testing.T) {
	p := s.ada
	p.open("/audit")
	p.press(".filter-bar .menu:not(.menu-end) summary")
	p.fill("#a-object", "db/password")
	p.fill("#a-actor", "lin")
	must(t, p.Ask(new(bool), `() => ((document.querySelector("#a-action").value = "secret.reveal"), true)`))
	p.follow(".filter-go button")
	p.sees("tbody", name)
	var rows int
	must(t, p.Ask(&rows, `() => document.querySelectorAll("tbody tr").length`))
	if rows != 1 {
		t.Errorf("%d entries match one reveal", rows)
	}
	p.follow(`.chip[href*="object="]`) // of who, or of what was done
	p.sees("tbody", name)
	p.press(".filter-bar .menu:not(.menu-end) summary")
	p.fill("#a-actor", "nobody-of-this-name")
	p.follow(".filter-go button")
	p.sees("main", "No entry matches")
	p.follow(".empty-act a")
	p.sees("tbody", name)
}

// endSession ends a session from another browser.
func (s *story) endSession(t *testing.T) {
	p, other := s.ada, newPerson(t, s.ground, s.browser)
	other.signIn(app.FirstUser, world.Password)
	other.open("/sync")
	other.sees("#live", "live")
	other.may = "Failed to load resource" // its line is cut, and leads to the sign-in
	p.open("/profile")
	p.follow(`form[action$="/revoke"] button`)
	other.sees("#live", "not live")
	other.open("/secrets")
	if at := other.at(); at != "/sign-in" {
		t.Errorf("an ended session still opens %s", at)
	}
	p.open("/secrets")
	p.sees("main", "payments/")
}
