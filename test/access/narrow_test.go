package access

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/models"
)

// logs are actions by which a log is read, whose entries name what they are about.
var logs = []auth.Action{auth.ViewAudit, auth.ViewEnvironmentLog}

// TestNarrow reads everything that the API answers with an administrator's token for each
// action alone: what that action does not show is named nowhere, neither the environment nor a
// secret in it, nor accounts.
func TestNarrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, action := range auth.Actions() {
		t.Run(string(action), func(t *testing.T) {
			scope := models.TokenScope{Actions: []string{string(action)}}
			c := &caller{name: "token of " + string(action), token: w.token("root", "narrow", scope), ids: map[string]string{}}
			may := func(action auth.Action, e models.EnvironmentID) bool {
				return auth.Can(models.Actor{Kind: models.ActorToken, UserID: "usr_root", Role: models.RoleAdmin, Scope: &scope}, action, e)
			}
			hidden := map[string]bool{
				strings.ToLower(w.here.ids["secret-name"][:len(hiddenName)+1]): !may(auth.ViewSecret, w.here.environment.ID) && !slices.Contains(logs, action),
				hiddenName:  !may(auth.ViewEnvironment, w.here.environment.ID) && action != auth.ViewAudit && !grave(action),
				accountName: !may(auth.ViewUsers, auth.Global) && !slices.Contains(logs, action),
			}
			answered := 0
			for _, asked := range w.everything(t, c) {
				if !strings.HasPrefix(asked, http.MethodGet) {
					continue
				}
				method, target, kind, body := w.request(t, asked, c)
				got := w.ask(t, method, target, kind, body, c)
				if got.status < http.StatusBadRequest {
					answered++
				}
				for word, is := range hidden {
					if is && strings.Contains(strings.ToLower(got.body), word) {
						t.Errorf("`%s` (%d) names %s: %s", asked, got.status, word, around(got.body, word))
					}
				}
			}
			if answered == 0 {
				t.Error("nothing is answered")
			}
		})
	}
}

// grave are actions over everything, whose answers name environments.
func grave(action auth.Action) bool { return action == auth.ViewKeys || action == auth.ManageKeys }
