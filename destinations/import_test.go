package destinations_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
	keepersync "github.com/your-org/keeper/sync"
	"github.com/your-org/keeper/sync/memory"
)

func (h *house) preview(t *testing.T, d models.Destination, draft destinations.ImportDraft) models.Import {
	t.Helper()
	i, err := h.PreviewImport(t.Context(), admin, d.ID, draft)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (h *house) adoption(t *testing.T, d models.Destination) models.Import {
	t.Helper()
	return h.preview(t, d, destinations.ImportDraft{Purpose: models.PurposeAdopt})
}

func (h *house) apply(t *testing.T, i models.Import, c destinations.ImportChoice) models.Import {
	t.Helper()
	i, err := h.ApplyImport(t.Context(), admin, i.ID, c)
	if err != nil {
		t.Fatal(err)
	}
	if i.Status != models.ImportApplied || i.Counts.Left != 0 {
		t.Errorf("applied: %+v", i)
	}
	return i
}

// items are an import's by label.
func (h *house) items(t *testing.T, i models.Import) map[string]models.ImportItem {
	t.Helper()
	items, err := h.ImportItems(t.Context(), admin, i.ID, destinations.ImportItemQuery{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]models.ImportItem{}
	for _, item := range items {
		all[item.Label()] = item
	}
	return all
}

// secretNamed is a secret with its current value.
func (h *house) secretNamed(t *testing.T, name string) (models.Secret, string) {
	t.Helper()
	s, err := h.secrets.FindSecret(t.Context(), admin, h.env, name)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := h.value(t, s)
	return s, v
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

func TestImportPreview(t *testing.T) {
	h := sqlite(t)
	same, other := h.put(t, "same", "equal"), h.put(t, "other", "ours")
	gone := h.put(t, "gone", "x")
	d := h.destination(t, "main")
	place := h.places.at("main")
	if _, err := h.secrets.Delete(t.Context(), admin, gone.ID, 0); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{
		"same": "equal", "other": "theirs", "gone": "x", "app/db": `{"user":"u","password":"s3cr3t"}`, "app/db password": "p", "big": strings.Repeat("v", models.MaxValueSize+1),
		"bytes": "\xff\x00", "none": "", "token": "t", "denied": "d", "deleted": "d", "a:b": "1", "a?b": "2", "marked": "m",
	} {
		place.Edit("production/"+name, []byte(v))
	}
	place.Edit("elsewhere/x", []byte("x"))
	place.Remove("production/deleted")
	if _, err := memory.New(memory.Options{Place: place}).Mark(t.Context(), "production/marked", keepersync.Mark{Owner: "another", Destination: "dst", Secret: 1}); err != nil {
		t.Fatal(err)
	}
	place.Inject(memory.Fault{Op: memory.OpFetch, Name: "production/denied", Kind: fault.Forbidden})
	before := place.Calls()

	i := h.preview(t, d, destinations.ImportDraft{})
	items := h.items(t, i)
	for name, want := range map[string]models.ImportItem{
		"same":            {SecretName: "same", Status: models.ItemEqual, Type: models.Text, Size: 5, SecretID: same.ID, Version: 1, Adoptable: true},
		"other":           {SecretName: "other", Status: models.ItemDifferent, Type: models.Text, Size: 6, SecretID: other.ID, Version: 1, Adoptable: true},
		"app/db":          {SecretName: "app/db", Status: models.ItemNew, Type: models.JSON, Size: 32, Adoptable: true},
		"token":           {SecretName: "token", Status: models.ItemNew, Type: models.APIKey, Size: 1, Adoptable: true},
		"app/db password": {SecretName: "app/db-password", Mended: true, Status: models.ItemNew, Type: models.Password, Size: 1},
	} {
		got := items["production/"+name]
		got = models.ImportItem{SecretName: got.SecretName, Mended: got.Mended, Status: got.Status, Type: got.Type, Size: got.Size, SecretID: got.SecretID, Version: got.Version, Adoptable: got.Adoptable}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	if keys := items["production/app/db"].Facts.Keys; !slices.Equal(keys, []string{"password", "user"}) {
		t.Errorf("the object's keys are %v", keys)
	}
	for name, word := range map[string]string{
		"gone": "deleted secret", "big": "65536", "bytes": "binary", "none": "empty", "denied": "made to fail", "deleted": "deleted at the destination",
		"a:b": "production/a?b", "a?b": "production/a:b",
	} {
		if got := items["production/"+name]; got.Status != models.ItemProblem || !strings.Contains(got.Problem, word) || got.Adoptable {
			t.Errorf("%s: %+v, want a problem with %q", name, got, word)
		}
	}
	c := i.Counts
	if c.Listed != 14 || c.Marked != 1 || c.New != 3 || c.Equal != 1 || c.Different != 1 || c.Problems != 8 || c.Left != 5 || len(items) != 13 {
		t.Errorf("counts %+v with %d items", c, len(items))
	}
	after := place.Calls()
	for _, op := range []memory.Op{memory.OpPut, memory.OpMark, memory.OpUnmark, memory.OpDelete, memory.OpRestore} {
		if after[op] != before[op] {
			t.Errorf("a preview made a call: %s", op)
		}
	}
	if n := count(h.actions(t), "sync.import.preview allowed"); n != 1 {
		t.Errorf("%d entries of the preview", n)
	}
}

func TestImportNames(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "main")
	place := h.places.at("main")
	place.Edit("legacy/app/db", []byte(`{"user":"u","n":1,"o":{"b":1,"a":2}}`))
	place.Edit("legacy/app/key", []byte("k"))
	place.Edit("legacy/app/list", []byte(`[1]`))
	place.Edit("legacy/left", []byte("l"))
	i := h.preview(t, d, destinations.ImportDraft{Prefix: new("legacy/"), Split: new(true), Names: map[string]string{
		"legacy/app/db#user": "db/who", "legacy/left": "", "legacy/app/key": "bad name", "not/there": "x",
	}})
	items := h.items(t, i)
	for label, want := range map[string]string{
		"legacy/app/db#user": "db/who new", "legacy/app/db#n": "app/db/n new", "legacy/app/db#o": "app/db/o new",
		"legacy/app/key": "bad name problem", "legacy/app/list": "app/list new", "legacy/left": " left_out",
	} {
		got := items[label]
		if got.SecretName+" "+string(got.Status) != want || got.Adoptable {
			t.Errorf("%s: %+v, want %q", label, got, want)
		}
	}
	i = h.apply(t, i, destinations.ImportChoice{Adopt: true})
	for name, want := range map[string]string{"db/who": "u", "app/db/n": "1", "app/db/o": `{"a":2,"b":1}`, "app/list": "[1]"} {
		if s, got := h.secretNamed(t, name); got != want || s.CurrentVersion != 1 {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if i.Counts.Imported != 4 || i.Counts.Adopted != 0 {
		t.Errorf("counts %+v", i.Counts)
	}
	// Keeper writes copies of its own, and theirs stays as it is.
	h.work(t, d)
	if !holds(place, "production/db/who", "u") || !holds(place, "legacy/app/key", "k") {
		t.Errorf("there is %v", place.Names())
	}
	if there, _ := place.Get("legacy/app/db"); !there.Remote.Mark.Zero() || there.Writes != 1 {
		t.Errorf("what was imported became %+v", there.Remote)
	}
}

func TestImportApply(t *testing.T) {
	t.Run("TakesAndAdopts", func(t *testing.T) {
		h := sqlite(t)
		same, other := h.put(t, "same", "equal"), h.put(t, "other", "ours")
		d := h.destination(t, "main")
		place := h.places.at("main")
		for name, v := range map[string]string{"same": "equal", "other": "theirs", "new": "fresh"} {
			place.Edit("production/"+name, []byte(v))
		}
		i := h.apply(t, h.preview(t, d, destinations.ImportDraft{}), destinations.ImportChoice{Adopt: true, Side: models.SideRemote})
		if c := i.Counts; c.Imported != 1 || c.Updated != 1 || c.Adopted != 3 || c.Skipped+c.Failed != 0 {
			t.Errorf("counts %+v with %+v", c, h.items(t, i))
		}
		h.work(t, d)
		fresh, got := h.secretNamed(t, "new")
		if got != "fresh" {
			t.Errorf("new is %q", got)
		}
		if s, got := h.secretNamed(t, "other"); got != "theirs" || s.CurrentVersion != 2 {
			t.Errorf("other is %q at version %d", got, s.CurrentVersion)
		}
		for _, s := range []models.Secret{same, other, fresh} {
			there, _ := place.Get("production/" + s.Name)
			if there.Writes != 1 || there.Remote.Mark.Secret != s.ID || h.state(t, s, d).Status != models.StatusInSync {
				t.Errorf("%s: %+v written %d times, state %+v", s.Name, there.Remote, there.Writes, h.state(t, s, d))
			}
		}
		actions := h.actions(t)
		for action, n := range map[string]int{"sync.import.apply allowed": 1, "sync.import allowed": 2, "sync.adopt allowed": 3} {
			if count(actions, action) != n {
				t.Errorf("%q is on record %d times, want %d", action, count(actions, action), n)
			}
		}
		_, err := h.ApplyImport(t.Context(), admin, i.ID, destinations.ImportChoice{Adopt: true})
		wantFault(t, err, fault.Conflict)
	})
	t.Run("SkipsWhatMoved", func(t *testing.T) {
		h := sqlite(t)
		changed := h.put(t, "changed", "ours")
		h.put(t, "differs", "ours")
		d := h.destination(t, "main")
		place := h.places.at("main")
		for _, name := range []string{"there", "here", "changed", "differs", "purged", "marked", "stays"} {
			place.Edit("production/"+name, []byte("theirs"))
		}
		i := h.preview(t, d, destinations.ImportDraft{})
		place.Edit("production/there", []byte("newer"))
		place.Purge("production/purged")
		h.put(t, "here", "made meanwhile")
		h.update(t, changed, "newer")
		if _, err := memory.New(memory.Options{Place: place}).Mark(t.Context(), "production/marked", keepersync.Mark{Owner: "another"}); err != nil {
			t.Fatal(err)
		}
		i = h.apply(t, i, destinations.ImportChoice{Adopt: true})
		items := h.items(t, i)
		for name, word := range map[string]string{
			"there": "has changed", "here": "another value", "changed": "was changed", "differs": "nobody has said", "purged": "no longer", "marked": "mark",
		} {
			if got := items["production/"+name]; got.Result != models.ResultSkipped || !strings.Contains(got.Why, word) || got.Adopted {
				t.Errorf("%s: %s %q, want skipped for %q", name, got.Result, got.Why, word)
			}
		}
		if c := i.Counts; c.Skipped != 6 || c.Imported != 1 || c.Adopted != 1 {
			t.Errorf("counts %+v", c)
		}
		if _, got := h.secretNamed(t, "changed"); got != "newer" {
			t.Errorf("changed is %q", got)
		}
	})
	t.Run("Chosen", func(t *testing.T) {
		h := sqlite(t)
		d := h.destination(t, "main")
		for _, name := range []string{"a", "b", "c"} {
			h.places.at("main").Edit("production/"+name, []byte(name))
		}
		i := h.apply(t, h.preview(t, d, destinations.ImportDraft{}), destinations.ImportChoice{Numbers: []int{2}})
		if c := i.Counts; c.Imported != 1 || c.Skipped != 2 || h.items(t, i)["production/b"].Result != models.ResultImported {
			t.Errorf("counts %+v", c)
		}
	})
	// The call is cut off at any point; the same call again finishes, and makes nothing twice.
	t.Run("GoesOnAfterACut", func(t *testing.T) {
		h := sqlite(t)
		d := h.destination(t, "main")
		place := h.places.at("main")
		const many = 90
		for n := range many {
			place.Edit(fmt.Sprintf("production/s%02d", n), fmt.Appendf(nil, "v%d", n))
		}
		i := h.preview(t, d, destinations.ImportDraft{})
		ctx, cancel := context.WithCancel(t.Context())
		h.Service.Open = func(_ context.Context, d models.Destination, _ models.DestinationCredentials) (keepersync.Driver, error) {
			return &cutting{Driver: memory.New(memory.Options{Place: place, Prefix: d.Config.Prefix}), left: 37, cut: cancel}, nil
		}
		if _, err := h.Update(t.Context(), admin, d.ID, destinations.Change{Interval: new(1000)}, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ApplyImport(ctx, admin, i.ID, destinations.ImportChoice{Adopt: true}); err == nil {
			t.Fatal("the call was not cut off")
		}
		if i, err := h.FindImport(t.Context(), admin, i.ID); err != nil || i.Status != models.ImportApplying {
			t.Errorf("after the cut: %+v, %v", i, err)
		}
		_, err := h.ApplyImport(t.Context(), admin, i.ID, destinations.ImportChoice{})
		wantFault(t, err, fault.Conflict)
		i = h.apply(t, i, destinations.ImportChoice{Adopt: true})
		if i.Counts.Failed+i.Counts.Skipped != 0 || i.Counts.Adopted != many {
			t.Errorf("counts %+v", i.Counts)
		}
		h.work(t, d)
		for n := range many {
			name := fmt.Sprintf("s%02d", n)
			s, got := h.secretNamed(t, name)
			if there, _ := place.Get("production/" + name); got != fmt.Sprintf("v%d", n) || s.CurrentVersion != 1 || there.Remote.Mark.Secret != s.ID || there.Writes != 1 {
				t.Errorf("%s: %q version %d, there %+v", name, got, s.CurrentVersion, there.Remote)
			}
		}
	})
}

// cutting ends the caller's context at the nth look.
type cutting struct {
	keepersync.Driver
	mu   sync.Mutex
	left int
	cut  context.CancelFunc
}

func (d *cutting) Describe(ctx context.Context, name string) (keepersync.Remote, error) {
	d.mu.Lock()
	if d.left--; d.left == 0 {
		d.cut()
	}
	d.mu.Unlock()
	return d.Driver.Describe(ctx, name)
}

func TestImportBounds(t *testing.T) {
	h := sqlite(t)
	d := h.destination(t, "main")
	t.Run("TooMany", func(t *testing.T) {
		h.Service.Open = func(context.Context, models.Destination, models.DestinationCredentials) (keepersync.Driver, error) {
			return endless{}, nil
		}
		_, err := h.PreviewImport(t.Context(), admin, d.ID, destinations.ImportDraft{Prefix: new("x/")})
		wantFault(t, err, fault.Invalid)
		if hint := fault.Public(err).Hint; !strings.Contains(hint, "prefix") {
			t.Errorf("hint %q", hint)
		}
	})
	// Half a listing is no preview.
	t.Run("CutListing", func(t *testing.T) {
		h := sqlite(t)
		d := h.destination(t, "main")
		place := h.places.at("main")
		for n := range 10 {
			place.Edit(fmt.Sprintf("production/%d", n), []byte("v"))
		}
		place.Inject(memory.Fault{Op: memory.OpList, Kind: fault.Unavailable, Cut: 5})
		_, err := h.PreviewImport(t.Context(), admin, d.ID, destinations.ImportDraft{})
		wantFault(t, err, fault.Unavailable)
	})
	for name, draft := range map[string]destinations.ImportDraft{
		"Purpose":        {Purpose: "steal"},
		"Prefix":         {Prefix: new("../x")},
		"AdoptElsewhere": {Purpose: models.PurposeAdopt, Prefix: new("other/")},
		"AdoptKeys":      {Purpose: models.PurposeAdopt, Split: new(true)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.PreviewImport(t.Context(), admin, d.ID, draft)
			wantFault(t, err, fault.Invalid)
		})
	}
}

type endless struct{ keepersync.Driver }

func (endless) List(context.Context) iter.Seq2[keepersync.Remote, error] {
	return func(yield func(keepersync.Remote, error) bool) {
		for n := 0; yield(keepersync.Remote{Name: fmt.Sprint("x/", n), Version: "1"}, nil); n++ {
		}
	}
}

func member(role models.EnvironmentRole, e models.EnvironmentID) models.Actor {
	return models.Actor{
		Kind: models.ActorUser, ID: "usr_" + string(role), UserID: "usr_" + models.UserID(role), Name: string(role), Role: models.RoleUser, Via: "test",
		Roles: map[models.EnvironmentID]models.EnvironmentRole{e: role},
	}
}

func TestImportPermissions(t *testing.T) {
	h := sqlite(t)
	s := h.put(t, "a", "v")
	d := h.destination(t, "main")
	h.places.at("main").Edit("production/b", []byte("v"))
	h.work(t, d)
	i := h.preview(t, d, destinations.ImportDraft{})
	calls := map[string]func(models.Actor) error{
		"preview": func(a models.Actor) error {
			_, err := h.PreviewImport(t.Context(), a, d.ID, destinations.ImportDraft{})
			return err
		},
		"find": func(a models.Actor) error { _, err := h.FindImport(t.Context(), a, i.ID); return err },
		"items": func(a models.Actor) error {
			_, err := h.ImportItems(t.Context(), a, i.ID, destinations.ImportItemQuery{})
			return err
		},
		"apply": func(a models.Actor) error {
			_, err := h.ApplyImport(t.Context(), a, i.ID, destinations.ImportChoice{})
			return err
		},
		"release": func(a models.Actor) error { return h.Release(t.Context(), a, d.ID, s.ID) },
	}
	for name, call := range calls {
		wantFault(t, call(member(models.RoleEditor, h.env.ID)), fault.Forbidden)
		if err := call(member(models.RoleManager, h.env.ID+1)); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s from another environment: %v", name, err)
		}
	}
	if _, err := h.secrets.FindSecret(t.Context(), admin, h.env, "b"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a refused import made a secret: %v", err)
	}
	if there, _ := h.places.at("main").Get("production/a"); there.Remote.Mark.Zero() {
		t.Error("a refused release took the mark off")
	}
	// A manager may do all of it.
	manager := member(models.RoleManager, h.env.ID)
	if _, err := h.ApplyImport(t.Context(), manager, i.ID, destinations.ImportChoice{Adopt: true}); err != nil {
		t.Error(err)
	}
	imports, _, err := h.Imports(t.Context(), manager, destinations.ImportQuery{DestinationID: d.ID})
	if err != nil || len(imports) != 1 {
		t.Errorf("%d imports, %v", len(imports), err)
	}
	if imports, _, err := h.Imports(t.Context(), member(models.RoleManager, h.env.ID+1), destinations.ImportQuery{}); err != nil || len(imports) != 0 {
		t.Errorf("another environment's manager sees %d imports, %v", len(imports), err)
	}
	for _, role := range []models.EnvironmentRole{models.RoleViewer, models.RoleReader, models.RoleEditor} {
		q := destinations.ImportQuery{Environments: []models.EnvironmentID{h.env.ID}}
		if imports, _, err := h.Imports(t.Context(), member(role, h.env.ID), q); err != nil || len(imports) != 0 {
			t.Errorf("a %s sees %d imports, %v", role, len(imports), err)
		}
	}
	// Keeper's own credentials reach further than the prefix that an administrator let them to.
	lent := d
	err = h.store.Write(t.Context(), func(tx *store.Tx) error {
		lent.ID, lent.Name, lent.Kind, lent.Config = models.NewDestinationID(), "lent", models.DestinationAWS, models.DestinationConfig{Region: "eu-central-1", Prefix: "production/"}
		return tx.CreateDestination(&lent)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.PreviewImport(t.Context(), manager, lent.ID, destinations.ImportDraft{Prefix: new("")})
	wantFault(t, err, fault.Forbidden)
	if _, err := h.PreviewImport(t.Context(), manager, lent.ID, destinations.ImportDraft{Prefix: new("production/app/")}); err != nil {
		t.Error(err)
	}
	if count(h.actions(t), string(auth.LendCredentials)+" refused") != 1 {
		t.Error("the refusal is not on record")
	}
	// What an administrator found beyond it, the manager is not shown either.
	beyond, err := h.PreviewImport(t.Context(), admin, lent.ID, destinations.ImportDraft{Prefix: new("")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.FindImport(t.Context(), manager, beyond.ID)
	wantFault(t, err, fault.NotFound)
	_, err = h.ImportItems(t.Context(), manager, beyond.ID, destinations.ImportItemQuery{})
	wantFault(t, err, fault.NotFound)
}

// TestImportWithinTemplate has a destination with Keeper's own credentials, the names of which
// begin by its template and not by a prefix: the rest of the place is no manager's to read.
func TestImportWithinTemplate(t *testing.T) {
	h := sqlite(t)
	manager := member(models.RoleManager, h.env.ID)
	d, err := h.Create(t.Context(), admin, destinations.Draft{
		Environment: h.env.ID, Name: "lent", Kind: models.DestinationAWS, SkipCheck: true,
		Config: models.DestinationConfig{Region: "eu-central-1", NoPrefix: true, NameTemplate: "{environment}/{name}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.put(t, "staging/db", "guess")
	h.put(t, "db", "ours")
	place := h.places.at("")
	place.Edit("staging/db", []byte("guess"))
	place.Edit("production/db", []byte("theirs"))
	for _, purpose := range []models.ImportPurpose{models.PurposeImport, models.PurposeAdopt} {
		i, err := h.PreviewImport(t.Context(), manager, d.ID, destinations.ImportDraft{Purpose: purpose})
		if err != nil {
			t.Fatal(err)
		}
		items := h.items(t, i)
		if _, shown := items["staging/db"]; shown || items["production/db"].SecretName != "db" || len(items) != 1 {
			t.Errorf("%s: a manager is shown %+v", purpose, items)
		}
		all, err := h.PreviewImport(t.Context(), admin, d.ID, destinations.ImportDraft{Purpose: purpose})
		if err != nil || all.Counts.Listed != 2 {
			t.Errorf("%s: an administrator is shown %+v, %v", purpose, all.Counts, err)
		}
		for _, prefix := range []string{"staging/", "sta"} {
			_, err := h.PreviewImport(t.Context(), manager, d.ID, destinations.ImportDraft{Prefix: &prefix})
			wantFault(t, err, fault.Forbidden)
		}
	}
}
