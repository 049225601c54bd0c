package legacy

import "slices"

// Outcome is what became of a row.
type Outcome string

// The outcomes. Of a dry run they say what would become of it.
const (
	Imported      Outcome = "imported"            // is a new secret now, opened again and found equal
	NewVersion    Outcome = "new_version"         // is a new version of a secret that had another value, likewise
	AlreadyThere  Outcome = "already_there"       // stands with this value, or was changed since it had it
	LeftOut       Outcome = "left_out"            // belongs to another environment than was asked for
	InConflict    Outcome = "conflict"            // stands with another value, which was left as it is
	WrongKey      Outcome = "wrong_key"           // no given key authenticates it: another key, or changed since
	Damaged       Outcome = "damaged"             // cannot be read as a row, or is no Fernet token
	BadName       Outcome = "bad_name"            // has a name that Keeper does not take
	BadType       Outcome = "bad_type"            // is of a type that Keeper does not have
	TooLarge      Outcome = "too_large"           // is larger than a value may be
	NotValid      Outcome = "invalid"             // is not valid for its type, or its description is not
	NoEnvironment Outcome = "unknown_environment" // belongs to an environment that is not there
	Failed        Outcome = "failed"              // could not be written or read back; running it again may mend that
)

// Outcomes are all of them, in the order that reports show them.
var Outcomes = []Outcome{
	Imported, NewVersion, AlreadyThere, LeftOut, InConflict, WrongKey, Damaged, BadName, BadType, TooLarge, NotValid, NoEnvironment, Failed,
}

// Fine reports whether the row is where it should be: its value stands in Keeper, or nobody
// asked for it.
func (o Outcome) Fine() bool { return slices.Contains(Outcomes[:4], o) }

// Result is what became of one row. It holds no value.
type Result struct {
	Place       string  `json:"place"` // "row 3", "line 17"
	Environment string  `json:"environment,omitempty"`
	Name        string  `json:"name,omitempty"`
	Outcome     Outcome `json:"outcome"`
	Reason      string  `json:"reason,omitempty"` // where the outcome is not fine
}

// Report is what became of all rows: its counts add up to Rows.
type Report struct {
	DryRun       bool            `json:"dry_run"`
	Rows         int             `json:"rows"`
	Counts       map[Outcome]int `json:"counts"`
	Environments []string        `json:"environments_created,omitempty"`
	Problems     []Result        `json:"problems"`      // the rows whose outcome is not fine
	Cut          string          `json:"cut,omitempty"` // why what comes after these rows was not read
}

// Complete reports whether every row was read and is where it should be.
func (r *Report) Complete() bool { return len(r.Problems) == 0 && r.Cut == "" }

func (r *Report) add(one Result) {
	r.Rows++
	r.Counts[one.Outcome]++
	if !one.Outcome.Fine() {
		r.Problems = append(r.Problems, one)
	}
}
