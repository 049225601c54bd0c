package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
)

// pageSize is how many rows a list shows.
const pageSize = 50

func (w *Web) listSecrets(r *request) error {
	page := &templates.SecretListPage{Filter: templates.ParseSecretFilter(r.URL.Query())}
	query, environment, err := w.secretQuery(r, page.Filter)
	if err != nil {
		return err
	}
	found, err := w.Secrets.List(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	page.Environment, page.Pager = environment, pagerOf(found.Around)
	if page.Rows, err = w.secretRows(r, found.Secrets); err != nil {
		return err
	}
	if page.Tags, err = w.Secrets.TagKeys(r.Context(), r.actor); err != nil {
		return err
	}
	writable, err := r.inEnvironments(auth.WriteSecret)
	if err != nil {
		return err
	}
	page.MayCreate, page.MayChange = len(writable) > 0, w.mayChangeMany(r, writable)
	page.Columns = w.columns(r)
	if environment != nil {
		page.MayCreate = r.may(auth.WriteSecret, environment.ID)
	}
	page.Empty = len(page.Rows) == 0 && !page.Filter.Narrow() && environment == nil && query.Cursor == ""
	return r.showList(page, &page.BasePage, "results")
}

// mayChangeMany reports whether the actor may do anything with many secrets at once.
func (w *Web) mayChangeMany(r *request, writable []models.Environment) bool {
	if len(writable) > 0 {
		return true
	}
	some, err := r.inEnvironments(auth.TriggerSync)
	return err == nil && len(some) > 0
}

// columns are those that were chosen: by this request, which the browser then keeps, or before.
func (w *Web) columns(r *request) []string {
	name := w.cookieName(r.Request, "keeper-columns")
	asked, chosen := r.URL.Query()["column"]
	if !chosen {
		cookie, err := r.Cookie(name)
		if err != nil {
			return templates.UsualColumns
		}
		asked = strings.Split(cookie.Value, ".")
	}
	columns := []string{}
	for _, c := range templates.SecretColumns {
		if slices.Contains(asked, c.Key) {
			columns = append(columns, c.Key)
		}
	}
	if chosen {
		http.SetCookie(r.out, &http.Cookie{ //nolint:gosec // Secure wherever the connection is; names columns alone
			Name: name, Value: strings.Join(columns, "."), Path: "/", MaxAge: 365 * 24 * 3600,
			HttpOnly: true, Secure: w.isSecure(r.Request), SameSite: http.SameSiteLaxMode,
		})
	}
	return columns
}

// pagerOf leads to the pages around one.
func pagerOf(around secrets.Around) templates.Pager {
	return templates.Pager{Prev: around.Prev, Next: around.Next, Total: -1}
}

// secretQuery is a filter as the service takes it, and the environment that it names.
func (w *Web) secretQuery(r *request, f templates.SecretFilter) (secrets.Query, *models.Environment, error) {
	q := secrets.Query{Search: f.Query, Cursor: r.URL.Query().Get("cursor"), Limit: pageSize}
	q.TagKey, q.TagValue, _ = strings.Cut(f.Tag, "=")
	if f.Type != "" {
		q.Types = []models.SecretType{models.SecretType(f.Type)}
	}
	if f.State != "" {
		q.States = statesIn(templates.State(f.State))
	}
	q.Owner = f.Owner
	switch now := w.Now(); f.Expires {
	case "past":
		q.ExpiringBefore = &now
	case "soon":
		q.ExpiringBefore = new(now.AddDate(0, 0, 30))
	}
	q.Sort = secrets.Sort(strings.TrimPrefix(f.Sort, "-"))
	q.Desc = strings.HasPrefix(f.Sort, "-")
	if f.Environment == "" {
		return q, nil, nil
	}
	e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, f.Environment)
	q.Environments = []models.EnvironmentID{e.ID}
	return q, &e, err
}

// secretRows joins secrets with where they are synced.
func (w *Web) secretRows(r *request, found []models.Secret) ([]templates.SecretRow, error) {
	environments, err := r.allEnvironments()
	if err != nil {
		return nil, err
	}
	states, err := w.destinationStates(r, found)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.SecretRow, len(found))
	for i, s := range found {
		rows[i] = templates.SecretRow{Secret: s, Environment: environmentIn(environments, s.EnvironmentID), States: states[s.ID]}
	}
	return rows, nil
}

func environmentIn(all []models.Environment, id models.EnvironmentID) models.Environment {
	i := slices.IndexFunc(all, func(e models.Environment) bool { return e.ID == id })
	if i < 0 {
		return models.Environment{}
	}
	return all[i]
}

// destinationStates is how secrets stand at their destinations, by secret, in the order of
// the destinations' names.
func (w *Web) destinationStates(r *request, found []models.Secret) (map[models.SecretID][]templates.DestinationState, error) {
	ids := make([]models.SecretID, len(found))
	for i, s := range found {
		ids[i] = s.ID
	}
	states, err := w.Destinations.StatesOf(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	all, err := w.Destinations.List(r.Context(), r.actor, 0)
	if err != nil {
		return nil, err
	}
	byID := make(map[models.DestinationID]models.Destination, len(all))
	for _, d := range all {
		byID[d.ID] = d
	}
	joined := make(map[models.SecretID][]templates.DestinationState, len(ids))
	for _, s := range found {
		id := s.ID
		for _, state := range states[id] {
			if d, visible := byID[state.DestinationID]; visible {
				joined[id] = append(joined[id], templates.DestinationState{
					Destination: d, Sync: state, Deleted: s.Deleted(), MayRelease: r.may(auth.ManageDestination, d.EnvironmentID) && templates.Releasable(d, state),
				})
			}
		}
		slices.SortFunc(joined[id], func(a, b templates.DestinationState) int { return cmp.Compare(a.Destination.Name, b.Destination.Name) })
	}
	return joined, nil
}

func (w *Web) listDeleted(r *request) error {
	filter := templates.ParseSecretFilter(r.URL.Query())
	page := &templates.DeletedSecretsPage{Filter: templates.SecretFilter{Query: filter.Query, Environment: filter.Environment}}
	query, environment, err := w.secretQuery(r, page.Filter)
	if err != nil {
		return err
	}
	query.Deleted = true
	found, err := w.Secrets.List(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	environments, err := r.allEnvironments()
	if err != nil {
		return err
	}
	for _, s := range found.Secrets {
		page.Rows = append(page.Rows, templates.DeletedSecret{
			Secret: s, Environment: environmentIn(environments, s.EnvironmentID), MayUndelete: r.may(auth.DeleteSecret, s.EnvironmentID),
		})
	}
	page.Environment, page.Pager = environment, pagerOf(found.Around)
	return r.show(page, &page.BasePage)
}
