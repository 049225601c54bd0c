package templates

import (
	"strings"
	"time"

	"github.com/your-org/keeper/models"
)

// KeyRole is what a wrapping key is to an environment.
type KeyRole string

// The roles of wrapping keys.
const (
	RolePrimary  KeyRole = "primary"  // wraps new data keys
	RoleSecond   KeyRole = "second"   // a second KMS key
	RoleRecovery KeyRole = "recovery" // offline
	RoleFormer   KeyRole = "former"   // not wanted any more; something still stands under it
	RoleUnknown  KeyRole = "unknown"  // former, or the very key whose name could not be looked up
)

// KeyView is one wrapping key with what stands under it.
type KeyView struct {
	Kind     models.RecipientKind
	Name     string // as it was named: an alias, an ARN, an age recipient; "": the default
	ID       string // "" where it could not be looked up
	Aliases  []string
	Enabled  bool
	State    string // the backend's own word
	Rotation *bool  // whether the backend rotates it by itself; nil: not known
	Region   string
	Replicas []string // other regions' keys of a multi-region key
	Problem  string   // why it could not be looked up; "" where it was
	Hint     string
	Uses     []KeyUse
	CanClose bool // nothing stands under it and nothing will
}

// KeyUse is what of one environment stands under a wrapping key.
type KeyUse struct {
	Environment models.Environment
	Role        KeyRole
	DataKeys    int
	Missing     int // data keys that should be wrapped under it and are not
	Versions    int
	Label       string
	Drill       *models.KeyDrill // nil: never tried
}

// Title is the key as a person knows it: its label, its alias, or its name.
func (k KeyView) Title() string {
	for _, use := range k.Uses {
		if use.Label != "" {
			return use.Label
		}
	}
	return k.Plain()
}

// Plain is the key without its label.
func (k KeyView) Plain() string {
	switch {
	case k.Kind == models.RecipientKMS && len(k.Aliases) > 0 && !strings.HasPrefix(k.Name, "alias/"):
		return k.Aliases[0]
	case k.Name != "":
		return briefKey(k.Name)
	case k.ID != "":
		return briefKey(k.ID)
	default:
		return keyKindWord(k.Kind) + " (default)"
	}
}

// Full is what names the key without a doubt.
func (k KeyView) Full() string {
	if k.ID != "" {
		return k.ID
	}
	return k.Name
}

// Brief is Full without what is long and the same for all.
func (k KeyView) Brief() string { return briefKey(k.Full()) }

// DataKeys is how many of all environments are wrapped under the key.
func (k KeyView) DataKeys() int { return k.sum(func(u KeyUse) int { return u.DataKeys }) }

// Versions is how many of all environments are sealed under those data keys.
func (k KeyView) Versions() int { return k.sum(func(u KeyUse) int { return u.Versions }) }

// Missing is how many wraps are owed to the key.
func (k KeyView) Missing() int { return k.sum(func(u KeyUse) int { return u.Missing }) }

func (k KeyView) sum(of func(KeyUse) int) int {
	n := 0
	for _, u := range k.Uses {
		n += of(u)
	}
	return n
}

// Look is how the key's state shows.
func (k KeyView) Look() Look {
	switch {
	case k.Kind == models.RecipientRecovery:
		return Look{"offline", "safe2", "grey"}
	case k.Problem != "":
		return Look{"not known now", "question-circle", "amber"}
	case k.Enabled:
		return Look{"enabled", "check-circle-fill", "green"}
	case k.State == "":
		return Look{"disabled", "x-circle-fill", "red"}
	default:
		return Look{stateWord(k.State), "x-circle-fill", "red"}
	}
}

// Turns is whether the backend rotates the key by itself, in a word.
func (k KeyView) Turns() string {
	switch {
	case k.Kind != models.RecipientKMS:
		return "none"
	case k.Rotation == nil:
		return "not known"
	case *k.Rotation:
		return "on"
	default:
		return "off"
	}
}

// KeysPage is GET /keys. For those who may see the wrapping keys.
type KeysPage struct {
	BasePage
	Health    HealthItem // of the backend, with the bound while it is away
	Keys      []KeyView
	Scrub     *KeyRunView // the last one; nil: never
	Runs      []KeyRunView
	MayManage bool
}

func (*KeysPage) template() string { return "keys/overview" }

// Frame stands around the page.
func (p *KeysPage) Frame() Frame { return Frame{Title: "Keys", Nav: NavKeys, Topics: "keys health"} }

// Needs is what a person should look at, the worst first.
func (p *KeysPage) Needs() []KeyNeed { return KeyNeeds(p.Now, p.Health, p.Keys, p.Scrub, p.Runs) }

// Scrubbing reports whether a scrub is under way.
func (p *KeysPage) Scrubbing() bool { return p.Scrub != nil && !p.Scrub.Run.Status.Ended() }

// KeyCheck is one permission tried on one key.
type KeyCheck struct {
	Environment string // "" where the key is nobody's in particular
	Kind        models.RecipientKind
	Key         string
	Permission  string
	OK          bool
	Skipped     bool
	Message     string
	Hint        string
}

// Look is how the check shows.
func (c KeyCheck) Look() Look {
	switch {
	case c.Skipped:
		return Look{"not needed", "dash-circle-fill", "grey"}
	case c.OK:
		return Look{"works", "check-circle-fill", "green"}
	default:
		return Look{"refused", "x-circle-fill", "red"}
	}
}

// KeyCheckGroup is what was tried on one key for one environment.
type KeyCheckGroup struct {
	Environment string
	Kind        models.RecipientKind
	Key         string
	Checks      []KeyCheck
}

// KeyTestPage is the answer to POST /keys/test.
type KeyTestPage struct {
	BasePage
	Environment *models.Environment // that alone was tested; nil: all
	Checks      []KeyCheck
	Took        time.Duration
}

func (*KeyTestPage) template() string { return "keys/test" }

// Frame stands around the page.
func (p *KeyTestPage) Frame() Frame {
	f := Frame{Title: "Connection test", Nav: NavKeys, Crumbs: []Crumb{{"Keys", "/keys"}}}
	if p.Environment != nil {
		f = environmentKeysFrame(p.Environment, f.Title)
	}
	return f
}

// Again is the name of the environment that is tested again; "" for all.
func (p *KeyTestPage) Again() string {
	if p.Environment == nil {
		return ""
	}
	return p.Environment.Name
}

// Back is where the test was started.
func (p *KeyTestPage) Back() string {
	if p.Environment == nil {
		return "/keys"
	}
	return environmentKeysURL(p.Environment)
}

// Refused is how many of the permissions that are needed do not work.
func (p *KeyTestPage) Refused() int {
	n := 0
	for _, c := range p.Checks {
		if !c.OK && !c.Skipped {
			n++
		}
	}
	return n
}

// Groups are the checks by environment and key, in their order.
func (p *KeyTestPage) Groups() []KeyCheckGroup {
	var groups []KeyCheckGroup
	for _, c := range p.Checks {
		last := len(groups) - 1
		if last < 0 || groups[last].Key != c.Key || groups[last].Environment != c.Environment || groups[last].Kind != c.Kind {
			groups = append(groups, KeyCheckGroup{Environment: c.Environment, Kind: c.Kind, Key: c.Key})
			last++
		}
		groups[last].Checks = append(groups[last].Checks, c)
	}
	return groups
}
