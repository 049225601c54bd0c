package legacy

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/secrets"
)

// Importer brings rows over. Running it again is harmless: what stands with an equal value
// is left as it is.
type Importer struct {
	Secrets *secrets.Service
	Actor   models.Actor
	Keys    *Keyring
	Options

	environments map[string]models.Environment // by name; without an ID: a dry run would make it
	planned      map[place]planned             // what a dry run would have written by now
}

// Options say how rows are brought over.
type Options struct {
	// Environment is where rows belong that do not name one; rows that name another are left
	// out. "": every row has to name its own.
	Environment string
	DryRun      bool
	// NewVersions writes a value that differs from the standing one as its new version;
	// without it such a row is in conflict.
	NewVersions bool
	// AsText takes as TEXT what is not valid for its type, or is of none that Keeper has.
	AsText bool
	// CreateEnvironments makes those that are not there.
	CreateEnvironments bool
	// Source names where the rows come from, in the comment of every version.
	Source string
	// Each hears of every row; nil: nobody does.
	Each func(Result)
}

// place names a secret.
type place struct {
	environment string
	name        string
}

// planned is a secret that a dry run would have written: enough to tell what the rows after
// it come to.
type planned struct {
	kind models.SecretType
	sums [][sha256.Size]byte // of its versions
}

// Run brings the rows over, in their order, and reports on each. The error is for what ends
// the run between two rows: a context that ended, or a database that does not answer at the
// start. The report is good in any case.
func (m *Importer) Run(ctx context.Context, rows Rows) (*Report, error) {
	report := &Report{DryRun: m.DryRun, Counts: map[Outcome]int{}, Problems: []Result{}}
	m.planned = map[place]planned{}
	if err := m.loadEnvironments(ctx); err != nil {
		return report, err
	}
	for row, err := range rows {
		if err != nil {
			report.Cut = fault.Public(err).Error()
			break
		}
		if err := ctx.Err(); err != nil {
			return report, err
		}
		result := Result{Place: row.Place, Name: shortened(row.Name), Environment: shortened(m.environmentOf(row))}
		result.Outcome, result.Reason = m.bring(ctx, report, row)
		report.add(result)
		if m.Each != nil {
			m.Each(result)
		}
	}
	return report, ctx.Err()
}

func (m *Importer) loadEnvironments(ctx context.Context) error {
	all, err := m.Secrets.Environments(ctx, m.Actor)
	if err != nil {
		return err
	}
	m.environments = make(map[string]models.Environment, len(all))
	for _, e := range all {
		m.environments[e.Name] = e
	}
	return nil
}

// environmentOf is the name of the environment that a row belongs to. The older Keeper's
// names could have capitals; ours never do.
func (m *Importer) environmentOf(row Row) string {
	if row.Environment == "" {
		return m.Environment
	}
	return strings.ToLower(row.Environment)
}

// bring brings one row over, or says why not.
func (m *Importer) bring(ctx context.Context, report *Report, row Row) (Outcome, string) {
	name := m.environmentOf(row)
	switch {
	case row.Problem != "":
		return Damaged, row.Problem
	case m.Environment != "" && name != m.Environment:
		return LeftOut, ""
	}
	if problem := models.NameProblem(row.Name); problem != "" {
		return BadName, "Its name " + problem + "."
	}
	value, err := m.Keys.Open(row.Token)
	if err != nil {
		return refusalOf(err)
	}
	defer value.Zero()
	secret := secrets.NewSecret{
		Name: row.Name, Value: value, Description: row.Description, Comment: m.comment(row),
	}
	if outcome, reason := m.check(row, &secret); outcome != "" {
		return outcome, reason
	}
	environment, outcome, reason := m.environment(ctx, report, name)
	if outcome != "" {
		return outcome, reason
	}
	secret.Environment = environment.ID
	return m.put(ctx, environment, secret)
}

// refusalOf is the outcome of a token that does not open.
func refusalOf(err error) (Outcome, string) {
	if errors.Is(err, ErrNoKey) {
		return WrongKey, fault.Public(err).Message
	}
	return Damaged, fault.Public(err).Message
}

// check settles the type and holds the value against it.
func (m *Importer) check(row Row, secret *secrets.NewSecret) (Outcome, string) {
	if n := secret.Value.Len(); n > models.MaxValueSize {
		return TooLarge, tooLarge(n)
	}
	t, err := models.ParseSecretType(strings.NewReplacer("-", "_", " ", "_").Replace(row.Type))
	switch {
	case err != nil && m.AsText:
		t = models.Text
	case err != nil:
		return BadType, fault.Public(err).Message + "."
	}
	if _, err = secrets.Inspect(t, secret.Value); err != nil && m.AsText {
		t = models.Text
		_, err = secrets.Inspect(t, secret.Value)
	}
	if err != nil {
		return NotValid, "Its " + fault.Public(err).Message + "."
	}
	secret.Type = t
	if err := (&models.Secret{Name: secret.Name, Type: t, Description: secret.Description}).Validate(); err != nil {
		return NotValid, "Its " + fault.Public(err).Hint
	}
	return "", ""
}

// environment finds an environment, or makes it where that is asked for.
func (m *Importer) environment(ctx context.Context, report *Report, name string) (models.Environment, Outcome, string) {
	if name == "" {
		return models.Environment{}, NoEnvironment, "It names no environment; say with --environment where such rows belong."
	}
	if e, ok := m.environments[name]; ok {
		return e, "", ""
	}
	if !m.CreateEnvironments {
		return models.Environment{}, NoEnvironment, "There is no such environment; --create-environments makes it."
	}
	e := models.Environment{Name: name, DisplayName: name, Color: models.DefaultColor(name)}
	if err := e.Validate(); err != nil {
		return e, NoEnvironment, "It cannot be made: its " + fault.Public(err).Hint
	}
	if !m.DryRun {
		var err error
		if e, err = m.Secrets.CreateEnvironment(ctx, m.Actor, e); err != nil {
			return e, Failed, fault.Public(err).Error()
		}
	}
	m.environments[name] = e
	report.Environments = append(report.Environments, name)
	slices.Sort(report.Environments)
	return e, "", ""
}
