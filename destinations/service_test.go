package destinations_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	"github.com/your-org/keeper/store/storetest"
	"github.com/your-org/keeper/sync/memory"
)

func actor(role models.EnvironmentRole, e models.EnvironmentID) models.Actor {
	a := models.Actor{Kind: models.ActorUser, ID: "usr_x", UserID: "usr_x", Name: "sam", Role: models.RoleUser}
	if role != "" {
		a.Roles = map[models.EnvironmentID]models.EnvironmentRole{e: role}
	}
	return a
}

func TestCreateTriesTheConnection(t *testing.T) {
	for kind, want := range map[fault.Kind]fault.Kind{
		fault.Unavailable: fault.Unavailable, fault.Forbidden: fault.Forbidden,
		// Told as the fault of the settings, not as the caller's.
		fault.Unauthenticated: fault.Invalid, fault.NotFound: fault.Invalid, fault.Conflict: fault.Invalid,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			h := sqlite(t)
			h.places.at("one").Inject(memory.Fault{Op: memory.OpCheck, Kind: kind})
			_, err := h.Create(t.Context(), admin, h.draft("one"))
			wantFault(t, err, want)
			if all, err := h.List(t.Context(), admin, 0); err != nil || len(all) != 0 {
				t.Errorf("%d destinations were saved, %v", len(all), err)
			}
			draft := h.draft("one")
			draft.SkipCheck = true
			if _, err := h.Create(t.Context(), admin, draft); err != nil {
				t.Errorf("saved without a check: %v", err)
			}
		})
	}
}

func TestCreateRefusesBadInput(t *testing.T) {
	h := sqlite(t)
	h.destination(t, "taken")
	for name, c := range map[string]struct {
		draft func(*destinations.Draft)
		kind  fault.Kind
	}{
		"name taken":     {func(d *destinations.Draft) { d.Name = "taken" }, fault.Conflict},
		"bad name":       {func(d *destinations.Draft) { d.Name = "No Slug" }, fault.Invalid},
		"unknown kind":   {func(d *destinations.Draft) { d.Kind = "ftp" }, fault.Invalid},
		"interval":       {func(d *destinations.Draft) { d.Interval = 1 }, fault.Invalid},
		"prefix":         {func(d *destinations.Draft) { d.Config.Prefix = "../" }, fault.Invalid},
		"no environment": {func(d *destinations.Draft) { d.Environment = 4711 }, fault.NotFound},
		"Vault, no mount": {func(d *destinations.Draft) {
			d.Kind, d.Config.Mount, d.Config.Address = models.DestinationVault, "", "http://v"
		}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			draft := h.draft("fresh")
			c.draft(&draft)
			_, err := h.Create(t.Context(), admin, draft)
			wantFault(t, err, c.kind)
		})
	}
	if all, _ := h.List(t.Context(), admin, 0); len(all) != 1 {
		t.Errorf("%d destinations", len(all))
	}
}

// TestSamePlace lets everything change but where copies stand.
func TestSamePlace(t *testing.T) {
	h := sqlite(t)
	draft := h.draft("one")
	draft.Config.RoleARN = "arn:aws:iam::111122223333:role/keeper"
	d, err := h.Create(t.Context(), admin, draft)
	if err != nil {
		t.Fatal(err)
	}
	if d.Config.Prefix != "production/" {
		t.Errorf("prefix %q, want the environment's name", d.Config.Prefix)
	}
	for field, change := range map[string]func(*models.DestinationConfig){
		"config.prefix":    func(c *models.DestinationConfig) { c.Prefix = "other/" },
		"config.no_prefix": func(c *models.DestinationConfig) { c.NoPrefix = true },
		"config.mount":     func(c *models.DestinationConfig) { c.Mount = "two" },
		"config.region":    func(c *models.DestinationConfig) { c.Region = "eu-west-1" },
		"config.endpoint":  func(c *models.DestinationConfig) { c.Endpoint = "http://elsewhere" },
		"config.address":   func(c *models.DestinationConfig) { c.Address = "http://elsewhere" },
		"config.namespace": func(c *models.DestinationConfig) { c.Namespace = "team" },
		"config.role_arn":  func(c *models.DestinationConfig) { c.RoleARN = "arn:aws:iam::999999999999:role/keeper" },
	} {
		t.Run(field, func(t *testing.T) {
			config := d.Config
			change(&config)
			_, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config}, 0)
			wantFault(t, err, fault.Invalid)
			if public := fault.Public(err); len(public.Fields) != 1 || public.Fields[0].Name != field {
				t.Errorf("fields %v, want %s", public.Fields, field)
			}
		})
	}
	t.Run("left empty", func(t *testing.T) {
		config := models.DestinationConfig{RecoveryDays: 7}
		got, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &config}, d.Revision)
		if err != nil || got.Config.Mount != "one" || got.Config.Prefix != "production/" || got.Config.RecoveryDays != 7 {
			t.Errorf("config %+v, %v", got.Config, err)
		}
	})
	t.Run("stale", func(t *testing.T) {
		_, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Config: &d.Config}, d.Revision)
		wantFault(t, err, fault.Stale)
	})
}

func TestUpdatesAtOnceLoseNothing(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	yes, interval := true, 60
	var both sync.WaitGroup
	for _, c := range []destinations.Change{{Paused: &yes}, {Interval: &interval}} {
		both.Go(func() {
			if _, err := h.Update(t.Context(), admin, d.ID, c, 0); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if got := h.reload(t, d); !got.Paused || got.Interval != 60 {
		t.Errorf("destination %+v, want both changes", got)
	}
}

// TestCredentials go into the row sealed and come out whole, for this destination alone.
func TestCredentials(t *testing.T) {
	options := storetest.Options(t, store.SQLite)
	h := newHouse(t, storetest.OpenWith(t, options))
	const canary = "canary-77e1-credential"
	draft := h.draft("one")
	draft.Credentials = models.DestinationCredentials{
		AccessKeyID: plain(canary + "1"), SecretAccessKey: plain(canary + "2"), SessionToken: plain(canary + "3"),
		VaultToken: plain(canary + "4"), RoleID: plain(canary + "5"), SecretID: plain(canary + "6"),
	}
	d, err := h.Create(t.Context(), admin, draft)
	if err != nil {
		t.Fatal(err)
	}
	h.work(t, d)
	got := h.places.opened[len(h.places.opened)-1]
	for i, one := range []models.Plaintext{got.AccessKeyID, got.SecretAccessKey, got.SessionToken, got.VaultToken, got.RoleID, got.SecretID} {
		if want := canary + string(rune('1'+i)); string(one.Reveal()) != want {
			t.Errorf("credential %d is not what was given", i+1)
		}
	}
	t.Run("NotInTheDatabase", func(t *testing.T) {
		files, err := filepath.Glob(options.Path + "*")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, []byte("canary-77e1")) {
				t.Errorf("%s holds a credential in the clear, %v", file, err)
			}
		}
	})
	t.Run("OpenedOnce", func(t *testing.T) {
		before := len(h.places.opened)
		h.work(t, d)
		if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		if len(h.places.opened) != before {
			t.Error("the driver was opened again although nothing changed")
		}
	})
	t.Run("Changed", func(t *testing.T) {
		fresh := models.DestinationCredentials{VaultToken: plain("another")}
		if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Credentials: &fresh, SkipCheck: true}, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Trigger(t.Context(), admin, d.ID); err != nil {
			t.Fatal(err)
		}
		h.work(t, d)
		last := h.places.opened[len(h.places.opened)-1]
		if string(last.VaultToken.Reveal()) != "another" || last.RoleID.Len() != 0 {
			t.Error("the pass did not use the new credentials alone")
		}
	})
	t.Run("MovedToAnotherRow", func(t *testing.T) {
		other := h.destination(t, "other")
		stolen := h.reload(t, d)
		other.Credentials, other.CredentialsKeyID = stolen.Credentials, stolen.CredentialsKeyID
		if err := h.store.Write(t.Context(), func(tx *store.Tx) error { return tx.UpdateDestination(&other, 0) }); err != nil {
			t.Fatal(err)
		}
		if err := h.Test(t.Context(), admin, other.ID); err == nil {
			t.Error("another destination's credentials open")
		}
	})
	t.Run("KeysAway", func(t *testing.T) {
		cold := replica(t, h.store, h.keys, h.places)
		if _, err := cold.Trigger(t.Context(), admin, d.ID); err != nil {
			t.Fatal(err)
		}
		h.keys.CutOff()
		defer h.keys.Mend()
		_, err := cold.Work(t.Context(), models.Job{Key: string(d.ID)})
		wantFault(t, err, fault.Unavailable)
		if got := h.reload(t, d); got.LastError == "" {
			t.Error("the destination is not said to be unwell")
		}
	})
}

// TestWhoMay is the table of who may do what to a destination.
func TestWhoMay(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	h.work(t, d)
	run := h.runs(t, d)[0]
	interval := 60
	calls := map[string]func(models.Actor, models.DestinationID) error{
		"get": func(a models.Actor, id models.DestinationID) error {
			_, _, err := h.Get(t.Context(), a, id)
			return err
		},
		"run": func(a models.Actor, id models.DestinationID) error {
			of := run.ID
			if id != d.ID {
				of = "run_none"
			}
			_, err := h.Run(t.Context(), a, of)
			return err
		},
		"trigger": func(a models.Actor, id models.DestinationID) error {
			_, err := h.Trigger(t.Context(), a, id)
			return err
		},
		"test": func(a models.Actor, id models.DestinationID) error { return h.Test(t.Context(), a, id) },
		"test each": func(a models.Actor, id models.DestinationID) error {
			_, err := h.TestEach(t.Context(), a, id)
			return err
		},
		"update": func(a models.Actor, id models.DestinationID) error {
			_, err := h.Update(t.Context(), a, id, destinations.Change{Interval: &interval}, 0)
			return err
		},
	}
	weakest := map[string]models.EnvironmentRole{
		"get": models.RoleViewer, "run": models.RoleViewer, "trigger": models.RoleEditor, "test": models.RoleManager, "test each": models.RoleManager, "update": models.RoleManager,
	}
	for name, call := range calls {
		for i, role := range append([]models.EnvironmentRole{""}, models.EnvironmentRoles...) {
			t.Run(name+" by "+string(role), func(t *testing.T) {
				before := len(h.actions(t))
				err := call(actor(role, h.env.ID), d.ID)
				switch {
				case i > slices.Index(models.EnvironmentRoles, weakest[name]):
					if err != nil {
						t.Error(err)
					}
					return
				case role == "":
					wantFault(t, err, fault.NotFound)
					if missing := call(actor(role, h.env.ID), "dst_none"); missing.Error() != err.Error() {
						t.Errorf("a hidden one is told from a missing one: %q, %q", err, missing)
					}
				default:
					wantFault(t, err, fault.Forbidden)
				}
				if actions := h.actions(t); len(actions) != before+1 || actions[0][len(actions[0])-7:] != "refused" {
					t.Errorf("the refusal is not on record: %v", actions[:len(actions)-before])
				}
			})
		}
	}
}

func TestListsAreNarrowed(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	h.put(t, "a", "v")
	h.work(t, d)
	stranger := actor("", h.env.ID)
	asked := []models.EnvironmentID{h.env.ID}
	all, err := h.List(t.Context(), stranger, h.env.ID)
	if err != nil || len(all) != 0 {
		t.Errorf("destinations %v, %v", all, err)
	}
	states, _, err := h.States(t.Context(), stranger, destinations.StateQuery{Environments: asked, DestinationID: d.ID})
	if err != nil || len(states) != 0 {
		t.Errorf("states %v, %v", states, err)
	}
	runs, _, err := h.Runs(t.Context(), stranger, destinations.RunQuery{Environments: asked, DestinationID: d.ID})
	if err != nil || len(runs) != 0 {
		t.Errorf("runs %v, %v", runs, err)
	}
	counts, err := h.Counts(t.Context(), stranger)
	if err != nil || len(counts) != 0 {
		t.Errorf("counts %v, %v", counts, err)
	}
	if states, _, err = h.States(t.Context(), actor(models.RoleViewer, h.env.ID), destinations.StateQuery{}); err != nil || len(states) != 1 {
		t.Errorf("a viewer's states %v, %v", states, err)
	}
}

// TestDelete leaves copies where they are, and no work behind.
func TestDelete(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "one")
	h.put(t, "a", "v")
	h.work(t, d)
	if err := h.Service.Delete(t.Context(), actor(models.RoleEditor, h.env.ID), d.ID); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an editor's delete: %v", err)
	}
	if err := h.Service.Delete(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err := h.Get(t.Context(), admin, d.ID)
	wantFault(t, err, fault.NotFound)
	if !holds(h.places.at("one"), "production/a", "v") {
		t.Error("the copy is gone")
	}
	h.put(t, "b", "v")
	err = h.store.Read(t.Context(), func(tx *store.Tx) error { _, err := tx.Job(destinations.JobKind, string(d.ID)); return err })
	wantFault(t, err, fault.NotFound)
	if again, err := h.Create(t.Context(), admin, h.draft("one")); err != nil || again.ID == d.ID {
		t.Errorf("made again as %s, %v", again.ID, err)
	}
}

// TestEnvironmentDeletion is refused while anything stands in it.
func TestEnvironmentDeletion(t *testing.T) {
	h := newHouse(t, storetest.SQLite(t))
	d := h.destination(t, "one")
	wantFault(t, h.secrets.DeleteEnvironment(t.Context(), admin, h.env.ID), fault.Conflict)
	if err := h.Service.Delete(t.Context(), admin, d.ID); err != nil {
		t.Fatal(err)
	}
	if err := h.secrets.DeleteEnvironment(t.Context(), admin, h.env.ID); err != nil {
		t.Fatal(err)
	}
	_, err := h.Create(t.Context(), admin, h.draft("two"))
	wantFault(t, err, fault.NotFound)
}

func TestOnlyAdministratorsLendKeepersOwnCredentials(t *testing.T) {
	h := sqlite(t)
	manager := models.Actor{
		Kind: models.ActorUser, ID: "usr_m", Name: "mo", Role: models.RoleUser,
		Roles: map[models.EnvironmentID]models.EnvironmentRole{h.env.ID: models.RoleManager},
	}
	draft := destinations.Draft{
		Environment: h.env.ID, Name: "aws", Kind: models.DestinationAWS, SkipCheck: true,
		Config: models.DestinationConfig{Region: "eu-central-1", RoleARN: "arn:aws:iam::123456789012:role/prod"},
	}
	if _, err := h.Create(t.Context(), manager, draft); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a manager lends Keeper's credentials: %v, want forbidden", err)
	}
	own := draft
	own.Credentials.AccessKeyID = models.NewPlaintext([]byte("AKIA"))
	own.Credentials.SecretAccessKey = models.NewPlaintext([]byte("secret"))
	made, err := h.Create(t.Context(), manager, own)
	if err != nil {
		t.Fatal(err)
	}
	none := models.DestinationCredentials{}
	if _, err := h.Update(t.Context(), manager, made.ID, destinations.Change{Credentials: &none, SkipCheck: true}, 0); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a manager takes a destination's own credentials away: %v, want forbidden", err)
	}
	if _, err := h.Update(t.Context(), manager, made.ID, destinations.Change{Config: &models.DestinationConfig{RecoveryDays: 7}, SkipCheck: true}, 0); err != nil {
		t.Errorf("a manager changes the recovery window: %v", err)
	}
	kept, _, err := h.Get(t.Context(), manager, made.ID)
	if err != nil || kept.Config.RoleARN != draft.Config.RoleARN {
		t.Errorf("the role became %q, %v; want it kept", kept.Config.RoleARN, err)
	}
}
