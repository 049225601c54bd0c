package journeys

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/app"
	"github.com/your-org/keeper/test/awsstandin/standin"
	"github.com/your-org/keeper/test/browser"
	"github.com/your-org/keeper/test/world"
)

// dataKeys is how many there are to wrap anew: several chunks of those that are stored at once.
const dataKeys = 300

// TestRewrap moves an environment to another wrapping key while KMS takes its time, and
// watches how much is done on a page that is not loaded anew.
func TestRewrap(t *testing.T) {
	const another = "alias/keeper-production"
	g := ground{world.Start(t, world.Options{
		Aliases: []string{another}, Settings: map[string]string{"KEEPER_DATA_KEY_MAX_USES": "1"}, // each version has a data key of its own
	})}
	p := newPerson(t, g, browser.For(t))
	admin, _ := g.Admin(t)
	_, err := admin.CreateEnvironment(t.Context(), api.NewEnvironment{Name: "production"})
	must(t, err)
	group, making := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i := range dataKeys {
		group.Go(func() error {
			_, err := admin.CreateSecret(making, api.NewSecret{
				EnvironmentID: api.EnvironmentNamed("production"), Name: fmt.Sprintf("part-%03d", i), SecretType: "TEXT", Value: api.NewValue(fmt.Sprintf("value %d", i)),
			})
			return err
		})
	}
	must(t, group.Wait())
	must(t, g.AWS.Inject(standin.Fault{Service: "kms", Operation: "ReEncrypt", Kind: standin.FaultSlow, Millis: 1500}))

	const here = "/environments/production/keys"
	p.signIn(app.FirstUser, world.Password)
	p.open(here)
	p.follow("#act-rewrap")
	p.fill("#f-to-key", another)
	p.fill("#f-confirm", "production")
	p.follow(`form[action="` + here + `/rewrap"] button[type=submit]`)
	p.sees("#key-run", "running")
	must(t, p.Ask(new(bool), `() => (window.unmoved = true)`))
	rises, total := p.watch(t)
	p.sees("#report", "Nothing stands under")
	p.look()
	if total < dataKeys || len(rises) < 2 || !slices.IsSorted(rises) {
		t.Errorf("of %d data keys the page told %v while the run went on, which rises less than twice", total, rises)
	}
	t.Logf("the page told %v of %d", rises, total)
	var unmoved bool
	must(t, p.Ask(&unmoved, `() => window.unmoved === true`))
	if !unmoved {
		t.Error("the page was loaded anew")
	}
	secret, err := admin.FindSecret(t.Context(), api.EnvironmentNamed("production"), "part-117", false)
	must(t, err)
	p.open(fmt.Sprintf("/secrets/%d", secret.ID))
	p.press("[data-reveal-button]")
	p.sees("[data-secret-value]", "value 117")
	p.open("/keys")
	p.open("/keys/runs")
	t.Run("Links", func(t *testing.T) { p.in(t).arrived(t) })
}

// watch follows a run on its page to its end. It gives how many were done, each time that the
// page said another number between none and all, and how many there are.
func (p *person) watch(t *testing.T) (rises []int, total int) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var now struct {
			Done, Total int
			Ended       bool
		}
		must(t, p.Ask(&now, `() => {
			const [done, total] = (document.querySelector("#key-run .stats dd")?.innerText ?? "").replaceAll(/[^\d ]/g, "").trim().split(/ +/).map(Number);
			return { done, total: total ?? 0, ended: document.querySelector("#report") !== null };
		}`))
		if now.Ended {
			return rises, total
		}
		total = max(total, now.Total)
		if now.Done > 0 && now.Done < now.Total && (len(rises) == 0 || rises[len(rises)-1] != now.Done) {
			rises = append(rises, now.Done)
		}
	}
	t.Fatalf("the run does not end: %v of %d", rises, total)
	return nil, 0
}
