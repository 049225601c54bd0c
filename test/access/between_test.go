package access

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// TestBetween asks everything that names several things as managers of one environment, who put
// one thing of another in: a secret of it beside a destination of their own, its environment in
// the body, its digest. None of its names comes back, and nothing of it is changed.
func TestBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.furnish(w.client(w.token("root", "furnish", models.TokenScope{})), w.away)
	callers := append(w.visitors(w.watch, w.here, w.away), w.programs(w.watch, w.here, w.away)...)
	w.exec("UPDATE users SET totp_last_step = 0") // the codes of now were used to enrol
	w.remember()
	for _, c := range callers {
		if c.name == "manager-elsewhere" || c.name == "manager-elsewhere's token" || c.name == "token of another environment" {
			w.crosses(t, c)
		}
	}
}

// crosses asks as one caller. What nobody could ask with things of its own alone proves nothing,
// so some of it has to work.
func (w *world) crosses(t *testing.T, c *caller) {
	t.Helper()
	works, tried := 0, 0
	for _, asked := range w.everything(t, c) {
		names := w.namesIn(t, asked, c)
		if len(names) < 2 {
			continue // the matrix asks it
		}
		if got := w.mixed(t, asked, c, nil); got.status < http.StatusBadRequest {
			works++
		}
		w.restore()
		for _, name := range names {
			others := slices.DeleteFunc(slices.Clone(names), func(one string) bool { return one == name })
			for _, theirs := range [][]string{{name}, others} {
				tried++
				w.cross(t, asked, c, theirs)
			}
		}
	}
	t.Logf("%s: %d requests that mix things; of those that mix nothing %d do something", c.name, tried, works)
	if tried < 8 || works < 2 {
		t.Errorf("%s: %d requests mix things, and %d of those that mix nothing do something", c.name, tried, works)
	}
	if text := w.log.String(); text != "" {
		t.Errorf("something failed on the way:\n%s", text)
	}
}

func (w *world) cross(t *testing.T, asked string, c *caller, theirs []string) {
	t.Helper()
	got := w.mixed(t, asked, c, theirs)
	body := strings.ToLower(got.body)
	for _, name := range theirs { // what was asked with is no news
		for _, own := range []string{w.here.ids[name], url.QueryEscape(w.here.ids[name]), strings.ReplaceAll(w.here.ids[name], "/", "%2F")} {
			body = strings.ReplaceAll(body, strings.ToLower(own), "")
		}
	}
	for _, word := range []string{hiddenName, value} {
		if strings.Contains(body, word) {
			t.Errorf("`%s` as %s with the other's %v (%d) tells of it: %s", asked, c.name, theirs, got.status, around(body, word))
		}
	}
	if changed := w.changedIn(w.here.environment.ID); len(changed) > 0 {
		t.Errorf("`%s` as %s with the other's %v (%d) changed %v there", asked, c.name, theirs, got.status, changed)
	}
	w.restore()
}

// everything is what a caller can ask: pages with a session, operations with a token.
func (w *world) everything(t *testing.T, c *caller) (all []string) {
	t.Helper()
	if c.token == "" {
		for _, route := range templates.Routes {
			if !strings.HasPrefix(route.Path, "/sign-") && route.Path != "/events" {
				all = append(all, route.Method+" "+route.Path)
			}
		}
		return all
	}
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	must(t, err)
	for path, item := range document.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// namesIn are the things by which a request names what both environments have. What stands at a
// destination is no secret from whoever has credentials for it, so prefixes are none.
func (w *world) namesIn(t *testing.T, asked string, c *caller) []string {
	t.Helper()
	noting := *w
	noting.used = map[string]bool{}
	noting.request(t, asked, c)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(noting.used)), func(name string) bool {
		return name == "prefix" || c.ids[name] != "" || w.away.ids[name] == "" || w.away.ids[name] == w.here.ids[name]
	})
}

// mixed sends a request with things of the caller's environment, and some of the other's.
func (w *world) mixed(t *testing.T, asked string, c *caller, theirs []string) reply {
	t.Helper()
	mixed := *w
	mixed.here.ids = maps.Clone(w.here.ids)
	maps.Copy(mixed.here.ids, w.away.ids)
	for _, name := range theirs {
		mixed.here.ids[name] = w.here.ids[name]
	}
	method, target, kind, body := mixed.request(t, asked, c)
	return mixed.ask(t, method, target, kind, body, c)
}

// request is what is sent for a route or an operation.
func (w *world) request(t *testing.T, asked string, c *caller) (method, target, kind, body string) {
	t.Helper()
	method, _ = cut(asked)
	target = w.path(t, asked, c)
	if c.token == "" {
		form := w.filled(t, asked, forms[asked], c, url.QueryEscape)
		if method == http.MethodGet && form != "" {
			return method, target + "?" + form, "application/x-www-form-urlencoded", ""
		}
		return method, target, "application/x-www-form-urlencoded", form
	}
	if query, is := strings.CutPrefix(bodies[asked], "?"); is {
		return method, target + "?" + w.filled(t, asked, query, c, url.QueryEscape), "application/json", ""
	}
	return method, target, "application/json", w.filled(t, asked, bodies[asked], c, asJSON)
}

// belonging says of a table's rows by which columns they belong to an environment, which is ?1.
var belonging = map[string]string{
	"environment_id": "environment_id = ?1",
	"secret_id":      "secret_id IN (SELECT id FROM seed_secrets WHERE environment_id = ?1)",
	"destination_id": "destination_id IN (SELECT id FROM seed_destinations WHERE environment_id = ?1)",
	"channel_id":     "channel_id IN (SELECT id FROM seed_alert_channels WHERE environment_id = ?1)",
	"alert_id":       "alert_id IN (SELECT id FROM seed_alerts WHERE environment_id = ?1)",
	"run_id":         "run_id IN (SELECT id FROM seed_sync_runs WHERE environment_id = ?1)",
	"plan_id":        "plan_id IN (SELECT id FROM seed_plans WHERE environment_id = ?1)",
	"import_id":      "import_id IN (SELECT id FROM seed_sync_imports WHERE environment_id = ?1)",
	"data_key_id":    "data_key_id IN (SELECT id FROM seed_data_keys WHERE environment_id = ?1)",
	"key":            "key IN (SELECT id FROM seed_destinations WHERE environment_id = ?1)",
}

// changedIn names the tables of which rows that belong to an environment are not what they were.
func (w *watch) changedIn(id models.EnvironmentID) (changed []string) {
	w.t.Helper()
	for _, table := range w.changed() {
		var conditions []string
		for _, column := range w.texts("SELECT name FROM pragma_table_info('" + table + "')") {
			if condition := belonging[column]; condition != "" {
				conditions = append(conditions, condition)
			}
		}
		if table == "environments" {
			conditions = append(conditions, "id = ?1")
		}
		if len(conditions) == 0 {
			continue
		}
		now, then := "SELECT "+w.facts[table]+" FROM main."+table, "SELECT "+w.facts[table]+" FROM seed_"+table
		mine := " WHERE " + strings.Join(conditions, " OR ")
		var differs bool
		query := fmt.Sprintf("SELECT EXISTS(SELECT 1 FROM (%s EXCEPT %s)%s) OR EXISTS(SELECT 1 FROM (%s EXCEPT %s)%s)", now, then, mine, then, now, mine)
		must(w.t, w.conn.QueryRowContext(w.t.Context(), query, int64(id)).Scan(&differs))
		if differs {
			changed = append(changed, table)
		}
	}
	return changed
}
