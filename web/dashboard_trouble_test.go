package web_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// TestOneCauseIsSaidOnce holds that what many copies suffer from is one row of the overview,
// and one sentence at the destination.
func TestOneCauseIsSaidOnce(t *testing.T) {
	const cause = "The place cannot list secrets: permission is missing."
	h := newHouse(t)
	production, d, _ := h.furnish()
	h.user("ada", models.RoleAdmin, nil)
	var all []models.Secret
	for i := range 12 {
		all = append(all, h.secret(production, "batch/"+strconv.Itoa(10+i)))
	}
	for _, one := range all {
		h.inSync(one.ID)
	}
	must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
		for _, one := range all {
			states, err := tx.StatesOfSecrets([]models.SecretID{one.ID})
			if err != nil {
				return err
			}
			state := states[0]
			state.Status, state.Attempts, state.LastHint = models.StatusUnknown, 1, "Allow it."
			state.LastError = one.Name + " could not be looked at: " + cause
			if err := tx.RecordSync([]store.SyncOutcome{{State: state, Version: one.CurrentVersion}}); err != nil {
				return err
			}
		}
		return nil
	}))
	v := h.as("ada")
	once := func(t *testing.T, p *page, selector string) {
		t.Helper()
		if n := strings.Count(p.text(selector), cause); n != 1 {
			t.Errorf("the cause is said %d times: %s", n, p.text(selector))
		}
	}
	t.Run("Overview", func(t *testing.T) {
		p := v.get("/").want(http.StatusOK, "#attention", "12 secrets at aws-main")
		p.want(http.StatusOK, "#attention", "and 9 more")
		once(t, p, "#attention")
		if rows := p.all("#attention .troubles > li"); len(rows) != 2 { // the other is of a value that expires
			t.Errorf("%d rows: %s", len(rows), p.text("#attention"))
		}
		v.get(attribute(p.all(`#attention a[href*="state="]`)[0], "href")).want(http.StatusOK, "#results", "unknown 12")
	})
	t.Run("Destination", func(t *testing.T) {
		p := v.get("/destinations/"+string(d.ID)).want(http.StatusOK, ".panel-cause", "12 secrets here: "+cause+" Allow it.")
		once(t, p, "main")
		if p.has(".row-why") {
			t.Error("rows have words of their own")
		}
	})
	t.Run("Away", func(t *testing.T) {
		must(t, h.store.Write(context.Background(), func(tx *store.Tx) error {
			now := time.Now()
			return tx.SetDestinationHealth(&models.SyncRun{DestinationID: d.ID, Status: models.RunFailed, Error: cause, StartedAt: now, FinishedAt: &now})
		}))
		p := v.get("/").want(http.StatusOK, "#attention", "not reachable aws-main production "+cause+" Allow it. 12 secrets not known there:")
		once(t, p, "#attention")
		p = v.get("/destinations/"+string(d.ID)).want(http.StatusOK, "#reach", "Allow it.")
		once(t, p, "main")
	})
}
