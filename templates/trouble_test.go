package templates

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/your-org/keeper/models"
)

func unknownRow(id int64, name, why string) StateRow {
	return StateRow{SecretID: models.SecretID(id), SecretName: name, DestinationState: DestinationState{Destination: awsMain, Sync: models.SyncState{
		Status: models.StatusUnknown, LastError: why, RemoteName: "production/" + name, Attempts: 1, Since: sampleNow.Add(-time.Duration(id) * time.Minute),
	}}}
}

func TestCause(t *testing.T) {
	for want, row := range map[string]StateRow{
		"AWS cannot list secrets: permission is missing.":    unknownRow(1, "a/b", "a/b could not be looked at: AWS cannot list secrets: permission is missing."),
		"AWS cannot put it: permission is missing.":          unknownRow(1, "a/b", "a/b could not be written: AWS cannot put production/a/b: permission is missing."),
		"Vault refuses it, and a/b/c too.":                   unknownRow(1, "a/b", "Vault refuses a/b, and a/b/c too."),
		"Vault refuses permission.":                          unknownRow(1, "permission", "permission could not be written: Vault refuses permission."),
		"It could not be read, so nothing is done about it.": unknownRow(1, "a/b", ""),
	} {
		if got := row.Cause(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTroubles(t *testing.T) {
	v := DestinationView{Destination: awsMain, Environment: production}
	const missing = "AWS cannot list secrets: permission is missing."
	rows := []StateRow{unknownRow(9, "own", "It is damaged.")}
	for i := range int64(5) {
		name := "s/" + strconv.FormatInt(i, 10)
		rows = append(rows, unknownRow(i, name, name+" could not be looked at: "+missing))
	}
	first := []SecretRef{{0, "s/0"}, {1, "s/1"}, {2, "s/2"}}
	want := []Trouble{
		{Destination: awsMain, Environment: production, State: StateUnknown, Count: 5, First: first, Why: missing, Since: sampleNow.Add(-4 * time.Minute)},
		{Destination: awsMain, Environment: production, State: StateUnknown, Count: 1, First: []SecretRef{{9, "own"}}, Why: "It is damaged.", Since: sampleNow.Add(-9 * time.Minute)},
	}
	got := Troubles(v, StateUnknown, 6, rows)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	t.Run("Many", func(t *testing.T) {
		got := Troubles(v, StateUnknown, 100_000, rows)
		if len(got) != 2 || got[0].Count != 99_999 || !got[0].Partly || got[1].Count != 1 || got[0].More() != 99_996 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("None", func(t *testing.T) {
		if got := Troubles(v, StateUnknown, 3, nil); got != nil { // they have gone in between
			t.Errorf("got %+v", got)
		}
	})
}

func TestOutages(t *testing.T) {
	down := func(d models.Destination, e models.Environment, why string) DestinationView {
		d.LastError, d.LastRunStatus, d.LastRunAt = why, models.RunFailed, agoP(time.Minute)
		return DestinationView{Destination: d, Environment: e}
	}
	paused := down(vaultMain, staging, "KMS does not answer.")
	paused.Destination.Paused = true
	views := []DestinationView{down(awsMain, production, "KMS does not answer."), down(vaultMain, staging, "KMS does not answer."), {Destination: awsMain}, paused}
	all := Outages(views)
	if len(all) != 1 || len(all[0].Views) != 2 || all[0].Since == nil {
		t.Fatalf("got %+v", all)
	}
	of := func(d models.Destination, why string, n int) Trouble {
		names := []SecretRef{{1, "a"}, {2, "b"}, {3, "c"}}
		return Trouble{Destination: d, Count: n, Why: why, Hint: "Wait.", First: names[:min(n, 3)]}
	}
	if !Explain(all, of(awsMain, "KMS does not answer.", 2)) || !Explain(all, of(vaultMain, "KMS does not answer.", 7)) {
		t.Error("copies of a destination that is away are told of apart")
	}
	if Explain(all, of(awsMain, "It is damaged.", 1)) || Explain(all, of(vaultDev, "KMS does not answer.", 1)) {
		t.Error("what has another cause is put to the outage")
	}
	if all[0].Copies != 9 || len(all[0].First) != troubleNames || all[0].More() != 6 || all[0].Hint != "Wait." {
		t.Errorf("got %+v", all[0])
	}
}
