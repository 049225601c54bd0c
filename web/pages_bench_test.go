package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const manySecrets = 100_000

// BenchmarkPages is what the server's part of a page costs with 100,000 secrets, made within
// the last day, of which 1,000 are deleted, and a copy of each that waits. The processor's
// time is what counts: it is the same on a machine that does other things.
func BenchmarkPages(b *testing.B) {
	h := newHouse(b)
	h.user("ada", models.RoleAdmin, nil)
	e := h.environment("bench")
	d := h.destination(e, "paused")
	paused := true
	_, err := h.dests.Update(context.Background(), models.System(), d.ID, destinations.Change{Paused: &paused}, 0)
	must(b, err)
	first := h.secret(e, "first")
	h.stock(e, first)
	must(b, h.figures.Count(context.Background()))
	there := "/destinations/" + string(d.ID)
	secret := "/secrets/" + strconv.FormatInt(int64(first.ID), 10)
	v := h.as("ada")
	for _, path := range []string{
		"/", "/secrets", "/secrets?q=bench/77", "/secrets?q=nowhere", "/secrets?q=bench", "/secrets?environment=bench&state=held&sort=-changed",
		"/secrets/deleted", secret, secret + "/versions", secret + "/activity", "/search?q=77",
		"/environments", "/environments/bench", "/environments/bench/keys", there, there + "?q=bench/77", there + "?q=nowhere", there + "?q=bench", there + "?state=failed",
		"/sync", "/sync/runs", "/keys", "/audit", "/audit?q=bench/77", "/audit?q=nowhere", "/audit?action=secret.create",
	} {
		b.Run(path, func(b *testing.B) { v.measure(b, path) })
	}
}

// measure asks for a page again and again, once before it counts.
func (v *visitor) measure(b *testing.B, path string) {
	at, err := url.Parse(v.h.url)
	must(b, err)
	ask := func() {
		r := httptest.NewRequest(http.MethodGet, v.h.url+path, nil)
		r.RemoteAddr = "127.0.0.1:4711"
		for _, c := range v.client.Jar.Cookies(at) {
			r.AddCookie(c)
		}
		out := httptest.NewRecorder()
		v.h.handler.ServeHTTP(out, r)
		if out.Code != http.StatusOK {
			b.Fatalf("%s answers %d", path, out.Code)
		}
	}
	ask()
	before := spent(b)
	for b.Loop() {
		ask()
	}
	b.ReportMetric(float64(spent(b)-before)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op")
}

// spent is the processor's time that this process took.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stock makes copies of a secret under other names, as if each had been created by itself.
func (h *house) stock(e models.Environment, like models.Secret) {
	h.t.Helper()
	now := time.Now()
	for from := 0; from < manySecrets; from += 5000 {
		must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error {
			version, err := tx.Version(like.ID, 1)
			if err != nil {
				return err
			}
			for i := from; i < from+5000; i++ {
				one := like
				one.ID, one.Name = 0, fmt.Sprintf("bench/%05d", i)
				if i%100 == 7 {
					one.DeletedAt, one.PurgeAfter = &now, new(now.AddDate(0, 0, 30))
				}
				if err := tx.CreateSecret(&one); err != nil {
					return err
				}
				version.SecretID = one.ID
				if err := tx.AddVersion(&version); err != nil {
					return err
				}
				entry := models.AuditEntry{
					Action: "secret.create", Outcome: models.OutcomeAllowed, EnvironmentID: e.ID, EnvironmentName: e.Name, ActorKind: models.ActorUser, ActorName: "ada",
					ObjectKind: "secret", ObjectID: strconv.FormatInt(int64(one.ID), 10), ObjectName: one.Name, Version: 1,
				}
				if err := tx.AppendAudit(entry); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	must(h.t, h.store.Write(context.Background(), func(tx *store.Tx) error { return tx.MarkDirtyEnvironment(e.ID) }))
}
