package keys

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// Report lists every wrapping key that is named, or that something stands under.
func (s *Service) Report(ctx context.Context, actor models.Actor) ([]Key, error) {
	if err := s.allow(ctx, actor, auth.ViewKeys); err != nil {
		return nil, err
	}
	return s.report(ctx, 0)
}

// Environment lists the wrapping keys of one environment.
func (s *Service) Environment(ctx context.Context, actor models.Actor, env models.EnvironmentID) ([]Key, error) {
	e, err := s.environment(ctx, env)
	if err != nil {
		return nil, err
	}
	if !auth.Can(actor, auth.ViewKeys, auth.Global) {
		if err := auth.Check(actor, auth.ManageEnvironment, e.ID); err != nil {
			if fault.Is(err, fault.NotFound) {
				err = auth.NoEnvironment(strconv.FormatInt(int64(env), 10))
			}
			return nil, s.refused(ctx, audit.OnEnvironment(actor, string(auth.ViewKeys), e), err)
		}
	}
	return s.report(ctx, e.ID)
}

// stock is what the database knows of the keys of environments.
type stock struct {
	environments []models.Environment
	totals       map[models.EnvironmentID]int
	usage        []store.KeyUsage
	drills       []models.KeyDrill
}

func (s *Service) stock(ctx context.Context, only models.EnvironmentID) (k stock, err error) {
	if k.environments, err = s.environments(ctx, only); err != nil {
		return k, err
	}
	k.totals = map[models.EnvironmentID]int{}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		if k.usage, err = tx.KeyUsage(only); err != nil {
			return err
		}
		for _, e := range k.environments {
			n, err := tx.CountDataKeysUnder(e.ID, "")
			if err != nil {
				return err
			}
			k.totals[e.ID] = int(n)
		}
		k.drills, err = tx.KeyDrills(only)
		return err
	})
	return k, err
}

func (s *Service) report(ctx context.Context, only models.EnvironmentID) ([]Key, error) {
	k, err := s.stock(ctx, only)
	if err != nil {
		return nil, err
	}
	wants, err := s.wants(ctx, k.environments)
	if err != nil {
		return nil, err
	}
	l := ledger{stock: k, keys: map[keyName]*Key{}, unsure: map[models.EnvironmentID]bool{}}
	for _, e := range k.environments {
		for _, w := range wants[e.ID] {
			l.wanted(e, w)
		}
		for _, u := range k.usage {
			if u.EnvironmentID == e.ID {
				l.former(e, u)
			}
		}
	}
	if only == 0 {
		if err := s.emptiedKeys(ctx, &l, wants); err != nil {
			return nil, err
		}
	}
	s.describeFormer(ctx, l.keys)
	all := make([]Key, 0, len(l.keys))
	for _, key := range l.keys {
		all = append(all, *key)
	}
	slices.SortFunc(all, func(a, b Key) int {
		return cmp.Or(cmp.Compare(roleOrder(a), roleOrder(b)), strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// roleOrder puts keys that wrap before those that only open, and those nobody wants last.
func roleOrder(k Key) int {
	order := []Role{RolePrimary, RoleSecond, RoleRecovery, RoleUnknown, RoleFormer}
	best := len(order)
	for _, u := range k.Usages {
		best = min(best, slices.Index(order, u.Role))
	}
	return best
}

// ledger gathers keys by kind and id, or by kind and name where the id is not known.
type ledger struct {
	stock
	keys   map[keyName]*Key
	unsure map[models.EnvironmentID]bool // a key that it names is not known by its id
}

func (l *ledger) key(kind models.RecipientKind, id, name string) *Key {
	at := keyName{kind, id}
	if id == "" {
		at.name = "name " + name
	}
	if l.keys[at] == nil {
		l.keys[at] = &Key{Kind: kind, ID: id, Name: name}
	}
	return l.keys[at]
}

func (l *ledger) wanted(e models.Environment, w want) {
	key := l.key(w.Kind, w.ID, w.Name)
	key.Info, key.Name = w.Info, cmp.Or(key.Name, w.Name)
	if w.Err != nil {
		said := fault.Public(w.Err)
		key.Problem, key.Hint = said.Message, said.Hint
	}
	usage := Usage{Environment: e, Role: w.Role, Label: w.Label, Drill: l.drill(e.ID, w.Kind, cmp.Or(w.ID, w.Name))}
	if u := l.used(e.ID, w.Kind, w.ID); u != nil {
		usage.DataKeys, usage.Versions = u.DataKeys, u.Versions
	}
	if w.ID != "" {
		usage.Missing = l.totals[e.ID] - usage.DataKeys
	} else {
		l.unsure[e.ID] = true
	}
	key.Usages = append(key.Usages, usage)
}

// former adds what stands under a key that the environment does not name, or does not name as
// far as is known.
func (l *ledger) former(e models.Environment, u store.KeyUsage) {
	key := l.key(u.RecipientKind, u.RecipientID, "")
	if slices.ContainsFunc(key.Usages, func(have Usage) bool { return have.Environment.ID == e.ID }) {
		return
	}
	role := RoleFormer
	if l.unsure[e.ID] {
		role = RoleUnknown
	}
	key.Usages = append(key.Usages, Usage{
		Environment: e, Role: role, DataKeys: u.DataKeys, Versions: u.Versions,
		Drill: l.drill(e.ID, u.RecipientKind, u.RecipientID),
	})
}

func (l *ledger) used(env models.EnvironmentID, kind models.RecipientKind, id string) *store.KeyUsage {
	i := slices.IndexFunc(l.usage, func(u store.KeyUsage) bool {
		return u.EnvironmentID == env && u.RecipientKind == kind && u.RecipientID == id
	})
	if i < 0 {
		return nil
	}
	return &l.usage[i]
}

func (l *ledger) drill(env models.EnvironmentID, kind models.RecipientKind, id string) *models.KeyDrill {
	i := slices.IndexFunc(l.drills, func(d models.KeyDrill) bool {
		return d.EnvironmentID == env && d.RecipientKind == kind && d.RecipientID == id
	})
	if i < 0 {
		return nil
	}
	return &l.drills[i]
}

// describeFormer looks up the keys that nobody names.
func (s *Service) describeFormer(ctx context.Context, keys map[keyName]*Key) {
	var list []want
	for _, key := range keys {
		if key.Name == "" && key.ID != "" && key.Info.ID == "" {
			list = append(list, want{Kind: key.Kind, Name: key.ID})
		}
	}
	known := s.lookUp(ctx, map[models.EnvironmentID][]want{0: list})
	for _, key := range keys {
		found, ok := known[keyName{key.Kind, key.ID}]
		if !ok || key.Name != "" {
			continue
		}
		key.Info = found.info
		if found.err != nil {
			said := fault.Public(found.err)
			key.Problem, key.Hint = said.Message, said.Hint
		}
	}
}

// emptiedKeys adds the keys that runs of late emptied: they may be disabled, as nothing
// stands under them and nobody names them. That is not said while a key that is named cannot
// be looked up, for it may be the same.
func (s *Service) emptiedKeys(ctx context.Context, l *ledger, wants map[models.EnvironmentID][]want) error {
	var runs []models.KeyRun
	err := s.Store.Read(ctx, func(tx *store.Tx) error {
		runs = nil
		for _, kind := range []models.KeyRunKind{models.KeyRewrap, models.KeyMigrate} {
			rows, _, err := tx.KeyRuns(store.KeyRunQuery{Kind: kind})
			if err != nil {
				return err
			}
			runs = append(runs, rows...)
		}
		return nil
	})
	known := true
	for _, list := range wants {
		known = known && !slices.ContainsFunc(list, func(w want) bool { return !w.sure() })
	}
	for _, run := range runs {
		if run.FromKey != "" && run.Status == models.KeyRunSucceeded && !l.has(run.FromKey) {
			l.key(kindOf(run.FromKey), run.FromKey, "").CanClose = known
		}
	}
	return err
}

func (l *ledger) has(id string) bool {
	for _, key := range l.keys {
		if key.ID == id {
			return true
		}
	}
	return false
}

// kindOf is the kind of recipient that an id names.
func kindOf(id string) models.RecipientKind {
	switch {
	case strings.HasPrefix(id, "arn:"):
		return models.RecipientKMS
	case strings.HasPrefix(id, "age1"):
		return models.RecipientRecovery
	default:
		return models.RecipientLocal
	}
}
