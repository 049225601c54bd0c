package store_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// testBothWays goes through lists to the end and back, by pages that do not come out even.
// Several rows have the same key, so that the ids decide.
func testBothWays(t *testing.T, s *store.Store) {
	e := models.Environment{Name: "production"}
	write(t, s, func(tx *store.Tx) error { return tx.CreateEnvironment(&e) })
	d := models.Destination{ID: models.NewDestinationID(), EnvironmentID: e.ID, Name: "d", Kind: models.DestinationMemory}
	write(t, s, func(tx *store.Tx) error { return tx.CreateDestination(&d) })
	for i := range 7 {
		made := at.Add(time.Duration(i/3) * time.Hour)
		u := models.User{ID: models.NewUserID(), Username: "user" + strconv.Itoa(i), Role: models.RoleUser}
		write(t, s, func(tx *store.Tx) error { return tx.CreateUser(&u) })
		write(t, s, func(tx *store.Tx) error {
			token := models.Token{ID: models.NewTokenID(), UserID: u.ID, Name: "t", Hash: "h" + strconv.Itoa(i), CreatedAt: made}
			return tx.CreateToken(&token)
		})
		write(t, s, func(tx *store.Tx) error {
			return tx.SetMembership(models.Membership{UserID: u.ID, EnvironmentID: e.ID, Role: models.RoleViewer})
		})
		write(t, s, func(tx *store.Tx) error {
			return tx.CreateGroup(&models.Group{ID: models.NewGroupID(), Name: "same" + strconv.Itoa(i/3), ProviderID: models.ProviderID("idp_" + strconv.Itoa(i))})
		})
		write(t, s, func(tx *store.Tx) error {
			return tx.CreatePlan(&models.Plan{ID: models.NewPlanID(), DestinationID: d.ID, EnvironmentID: e.ID, Status: models.PlanDraft, CreatedAt: made})
		})
		write(t, s, func(tx *store.Tx) error {
			return tx.AppendAudit(models.AuditEntry{Action: "secret.create", EnvironmentID: e.ID})
		})
	}
	here := []models.EnvironmentID{e.ID}
	t.Run("Audit", func(t *testing.T) {
		bothWays(t, s, func(r models.AuditEntry) string { return r.UID }, func(tx *store.Tx, at string, limit int) ([]models.AuditEntry, store.Around, error) {
			return tx.Audit(store.AuditQuery{Environments: here, Cursor: at, Limit: limit})
		})
	})
	t.Run("Users", func(t *testing.T) {
		bothWays(t, s, func(r models.User) string { return string(r.ID) }, func(tx *store.Tx, at string, limit int) ([]models.User, store.Around, error) {
			return tx.UserPage(store.UserFilter{Cursor: at, Limit: limit})
		})
	})
	t.Run("Tokens", func(t *testing.T) {
		bothWays(t, s, func(r store.OwnedToken) string { return string(r.ID) }, func(tx *store.Tx, at string, limit int) ([]store.OwnedToken, store.Around, error) {
			return tx.TokenPage(nil, at, limit)
		})
	})
	t.Run("Members", func(t *testing.T) {
		bothWays(t, s, func(r store.Member) string { return string(r.UserID) }, func(tx *store.Tx, at string, limit int) ([]store.Member, store.Around, error) {
			return tx.MemberPage(e.ID, at, limit)
		})
	})
	t.Run("Groups", func(t *testing.T) {
		bothWays(t, s, func(r models.Group) string { return string(r.ID) }, func(tx *store.Tx, at string, limit int) ([]models.Group, store.Around, error) {
			return tx.Groups("", at, limit)
		})
	})
	t.Run("Plans", func(t *testing.T) {
		bothWays(t, s, func(r models.Plan) string { return string(r.ID) }, func(tx *store.Tx, at string, limit int) ([]models.Plan, store.Around, error) {
			return tx.Plans(store.PlanQuery{Environments: here, Cursor: at, Limit: limit})
		})
	})
	t.Run("Strange", func(t *testing.T) {
		_, around, err := pageIn(s, func(tx *store.Tx) ([]models.User, store.Around, error) {
			return tx.UserPage(store.UserFilter{Limit: 2})
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, cursor := range []string{"x", around.Next} {
			_, _, err := pageIn(s, func(tx *store.Tx) ([]models.Plan, store.Around, error) {
				return tx.Plans(store.PlanQuery{Environments: here, Cursor: cursor})
			})
			wantKind(t, err, fault.Invalid)
		}
	})
}

// testBothWaysWithin does so with lists of what belongs to one thing.
func testBothWaysWithin(t *testing.T, s *store.Store) {
	h := newHouse(t, s)
	here, d := []models.EnvironmentID{h.env.ID}, h.destination(t, "d")
	run := keyRun(models.KeyScrub, 0, models.KeyRunRunning, at)
	plan := models.Plan{ID: models.NewPlanID(), DestinationID: d.ID, EnvironmentID: h.env.ID, Status: models.PlanDraft}
	var findings []models.KeyFinding
	items := []models.PlanItem{}
	var found []models.ImportItem
	write(t, s, func(tx *store.Tx) error { return tx.CreateKeyRun(&run) })
	write(t, s, func(tx *store.Tx) error { return tx.CreatePlan(&plan) })
	many := h.secret(t, "many")
	for n := range 6 {
		version := h.version(many.ID, models.VersionNumber(n+2))
		write(t, s, func(tx *store.Tx) error { return tx.AddVersion(version) })
	}
	for i := range 7 {
		secret := h.secret(t, "secret"+strconv.Itoa(i))
		write(t, s, func(tx *store.Tx) error {
			return tx.RecordSync([]store.SyncOutcome{{State: models.SyncState{SecretID: secret.ID, DestinationID: d.ID, Status: models.StatusInSync, Since: at}}})
		})
		write(t, s, func(tx *store.Tx) error {
			return tx.PutHolds([]models.SyncHold{{SecretID: secret.ID, DestinationID: d.ID, Status: models.StatusConflict, HeldAt: at}})
		})
		findings = append(findings, models.KeyFinding{RunID: run.ID, Kind: models.FindingDamaged, Object: strconv.Itoa(i)})
		items = append(items, models.PlanItem{PlanID: plan.ID, SecretID: secret.ID - 4, Action: models.ActionCreate}) // groups have negative ones
		found = append(found, models.ImportItem{Number: i + 1, RemoteName: strconv.Itoa(i)})
	}
	imported := models.Import{ID: models.NewImportID(), DestinationID: d.ID, EnvironmentID: h.env.ID}
	write(t, s, func(tx *store.Tx) error { return tx.AddKeyFindings(findings) })
	write(t, s, func(tx *store.Tx) error { return tx.AddPlanItems(items) })
	write(t, s, func(tx *store.Tx) error { return tx.CreateImport(&imported, found) })
	t.Run("States", func(t *testing.T) {
		bothWays(t, s, func(r store.NamedState) string { return r.SecretName }, func(tx *store.Tx, at string, limit int) ([]store.NamedState, store.Around, error) {
			return tx.ListStates(store.StateQuery{Environments: here, Search: "secret", Cursor: at, Limit: limit})
		})
	})
	t.Run("Versions", func(t *testing.T) {
		bothWays(t, s, func(r models.SecretVersion) string { return strconv.Itoa(int(r.Number)) }, func(tx *store.Tx, at string, limit int) ([]models.SecretVersion, store.Around, error) {
			return tx.VersionPage(many.ID, at, limit)
		})
	})
	t.Run("PlanItems", func(t *testing.T) {
		bothWays(t, s, func(r models.PlanItem) string { return strconv.Itoa(int(r.SecretID)) }, func(tx *store.Tx, at string, limit int) ([]models.PlanItem, store.Around, error) {
			return tx.PlanItemPage(plan.ID, store.PlanItemQuery{Action: models.ActionCreate, Limit: limit}, at)
		})
	})
	t.Run("ImportItems", func(t *testing.T) {
		bothWays(t, s, func(r models.ImportItem) string { return r.RemoteName }, func(tx *store.Tx, at string, limit int) ([]models.ImportItem, store.Around, error) {
			return tx.ImportItemPage(imported.ID, store.ImportItemQuery{Limit: limit}, at)
		})
	})
	t.Run("Holds", func(t *testing.T) {
		bothWays(t, s, func(r store.NamedHold) string { return r.SecretName }, func(tx *store.Tx, at string, limit int) ([]store.NamedHold, store.Around, error) {
			return tx.HoldPage(d.ID, at, limit)
		})
	})
	t.Run("KeyFindings", func(t *testing.T) {
		bothWays(t, s, func(r models.KeyFinding) string { return r.Object }, func(tx *store.Tx, at string, limit int) ([]models.KeyFinding, store.Around, error) {
			return tx.KeyFindingPage(run.ID, at, limit)
		})
	})
}

func pageIn[T any](s *store.Store, list func(*store.Tx) ([]T, store.Around, error)) (rows []T, around store.Around, err error) {
	_, err = tryRead(s, func(tx *store.Tx) (int, error) {
		rows, around, err = list(tx)
		return 0, err
	})
	return rows, around, err
}

// bothWays wants the pages on the way back to be those on the way there.
func bothWays[T any](t *testing.T, s *store.Store, id func(T) string, list func(tx *store.Tx, at string, limit int) ([]T, store.Around, error)) {
	t.Helper()
	const limit = 3
	page := func(at string) ([]string, store.Around) {
		rows, around, err := pageIn(s, func(tx *store.Tx) ([]T, store.Around, error) { return list(tx, at, limit) })
		if err != nil {
			t.Fatal(err)
		}
		ids := []string{}
		for _, row := range rows {
			ids = append(ids, id(row))
		}
		return ids, around
	}
	all, _, err := pageIn(s, func(tx *store.Tx) ([]T, store.Around, error) { return list(tx, "", 0) })
	if err != nil || len(all) != 7 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	var there, back [][]string
	ids, around := page("")
	if around.Prev != "" {
		t.Error("there is a page before the first")
	}
	for there = append(there, ids); around.Next != ""; there = append(there, ids) {
		ids, around = page(around.Next)
	}
	for back = append(back, ids); around.Prev != ""; back = append(back, ids) {
		ids, around = page(around.Prev)
	}
	want := [][]string{{}, {}, {}}
	for i, row := range all {
		want[i/limit] = append(want[i/limit], id(row))
	}
	if diff := cmp.Diff(want, there); diff != "" {
		t.Errorf("there (-want +got):\n%s", diff)
	}
	slices.Reverse(back)
	// The last page is short; those before it are cut from where it begins, so evenly.
	if diff := cmp.Diff(want, back); diff != "" {
		t.Errorf("back (-want +got):\n%s", diff)
	}
}
