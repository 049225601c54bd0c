package templates

import (
	"slices"
	"strings"

	"github.com/your-org/keeper/models"
)

// KeyEmptyPage is GET /keys/rewrap?key=…: what has to be wrapped anew, and where, for nothing
// to stand under a wrapping key any more; or what is in the way of that. Fields: to_key (where
// it Replaces), confirm; hidden ones: key, seen.
type KeyEmptyPage struct {
	BasePage
	Key        KeyView      // something stands under it
	Keys       []KeyView    // of all environments, Key among them
	Runs       []KeyRunView // at work where something stands under it
	KeyBackend string       // "local" or "kms": where new data keys are wrapped
	Confirmation
}

func (*KeyEmptyPage) template() string { return "keys/empty" }

// Frame stands around the page.
func (p *KeyEmptyPage) Frame() Frame {
	return Frame{Title: "Empty a wrapping key", Nav: NavKeys, Crumbs: []Crumb{{"Keys", "/keys"}}}
}

// CanEmpty reports whether what stands under the key can be moved away by re-wraps: it is a
// wrapping key, or a former one. A spare recipient goes by being removed where it is one.
func (k KeyView) CanEmpty() bool {
	return k.ID != "" && slices.ContainsFunc(k.holding(), func(u KeyUse) bool { return !u.Role.Spare() })
}

// holding are the uses of environments that have something under the key.
func (k KeyView) holding() []KeyUse {
	var uses []KeyUse
	for _, u := range k.Uses {
		if u.DataKeys > 0 {
			uses = append(uses, u)
		}
	}
	return uses
}

// Typed is what a person types to name the key: a short name whole, of a long one its end,
// which tells one key from another.
func (k KeyView) Typed() string {
	const whole, end = 32, 12
	if plain := k.Plain(); strings.HasPrefix(plain, "alias/") || len(plain) <= whole && !strings.Contains(plain, "…") {
		return plain
	}
	full := k.Full()
	return full[max(0, len(full)-end):]
}

// Replaces reports whether environments name the key as their wrapping key, so that they need
// another one.
func (p *KeyEmptyPage) Replaces() bool {
	return p.KeyBackend == string(models.RecipientKMS) && p.wrapsNow()
}

// Renews reports whether the key is the newest version of Keeper's own master key, which gets
// a newer one.
func (p *KeyEmptyPage) Renews() bool {
	return p.KeyBackend == string(models.RecipientLocal) && p.wrapsNow()
}

func (p *KeyEmptyPage) wrapsNow() bool {
	return slices.ContainsFunc(p.Key.holding(), func(u KeyUse) bool { return u.Role == RolePrimary })
}

// Leaves reports whether data keys go over from Keeper's own master key to KMS.
func (p *KeyEmptyPage) Leaves() bool {
	return p.Key.Kind == models.RecipientLocal && p.KeyBackend == string(models.RecipientKMS)
}

// Ails reports whether the key itself may not open anything now.
func (p *KeyEmptyPage) Ails() bool {
	return p.Key.Kind == models.RecipientKMS && (p.Key.Problem != "" || !p.Key.Enabled)
}

// KeyMove is what becomes of what one environment has under the key.
type KeyMove struct {
	KeyUse
	To      []string    // for whom its data keys are wrapped afterwards, the wrapping key first
	Instead string      // its own wrapping key, which gives way to the new one; "": none does
	Run     *KeyRunView // a re-wrap that is at work there already; nil: none is
}

// Moves are of all environments that have something under the key.
func (p *KeyEmptyPage) Moves() []KeyMove {
	uses := p.Key.holding()
	moves := make([]KeyMove, len(uses))
	for i, u := range uses {
		moves[i].KeyUse = u
		for _, row := range recipientRows(u.Environment.ID, p.Keys) {
			switch {
			case row.Role.Spare():
				moves[i].To = append(moves[i].To, row.Title())
			case row.Role == RolePrimary:
				moves[i].To = slices.Insert(moves[i].To, 0, p.primary(row))
				if p.Replaces() && row.Full() != p.Key.Full() {
					moves[i].Instead = row.Title()
				}
			}
		}
		if run := p.runOf(u.Environment.ID); run != nil && run.Run.Kind == models.KeyRewrap {
			moves[i].Run = run
		}
	}
	return moves
}

// primary is what wraps afterwards where a key wraps now.
func (p *KeyEmptyPage) primary(row RecipientRow) string {
	switch {
	case p.Replaces():
		return "the new wrapping key"
	case p.Renews():
		return "a new version of the local key"
	default:
		return row.Title()
	}
}

// runOf is the run that is at work on an environment's keys.
func (p *KeyEmptyPage) runOf(e models.EnvironmentID) *KeyRunView {
	i := slices.IndexFunc(p.Runs, func(v KeyRunView) bool {
		return v.Run.EnvironmentID == e && v.Run.Kind != models.KeyScrub && !v.Run.Status.Ended()
	})
	if i < 0 {
		return nil
	}
	return &p.Runs[i]
}

// Alone are the environments in which nothing is in the way: each can be re-wrapped by itself.
func (p *KeyEmptyPage) Alone() []models.Environment {
	var alone []models.Environment
	blocks := p.Blocks()
	for _, u := range p.Key.holding() {
		if !slices.ContainsFunc(blocks, func(b KeyBlock) bool { return b.Environment == u.Environment.ID }) {
			alone = append(alone, u.Environment)
		}
	}
	return alone
}

// Named are the environments that have nothing under the key and name it all the same, so that
// it must not be disabled.
func (p *KeyEmptyPage) Named() []KeyUse {
	return slices.DeleteFunc(slices.Clone(p.Key.Uses), func(u KeyUse) bool {
		return u.DataKeys > 0 || !u.Role.Wanted() || p.Renews() && u.Role == RolePrimary
	})
}

// Seen tells in which environments something stands under the key, and as what: whoever
// confirms it confirms that.
func (p *KeyEmptyPage) Seen() string {
	var seen []string
	for _, u := range p.Key.holding() {
		seen = append(seen, u.Environment.Name+" "+string(u.Role))
	}
	return strings.Join(seen, ", ")
}

// KeyBlock is one thing that is in the way of emptying a key.
type KeyBlock struct {
	Environment models.EnvironmentID // in which it is
	Why, Do     string
	Act, URL    string // a link to where that is done
}

// Blocks are all of them.
func (p *KeyEmptyPage) Blocks() []KeyBlock {
	var blocks []KeyBlock
	for _, u := range p.Key.holding() {
		e := &u.Environment
		switch {
		case u.Role.Spare():
			blocks = append(blocks, atKeys(e, e.DisplayName+" has it as a recipient of its own ("+u.Role.Word()+"), for which every data key is to be wrapped: a re-wrap takes nothing off it.",
				"Remove the recipient there; that takes it off every data key by itself."))
		case u.Role == RoleUnknown:
			blocks = append(blocks, atKeys(e, "The wrapping key that "+e.DisplayName+" names cannot be looked up now, and may be this one.", "Come back when it can be."))
		default:
			blocks = append(blocks, p.targetBlocks(e)...)
		}
		if run := p.runOf(e.ID); run != nil && run.Run.Kind != models.KeyRewrap {
			blocks = append(blocks, KeyBlock{e.ID, run.Title() + " is at work.", "Wait for its end, or cancel it.", "The run", MustPath("/keys/runs/{run}", run.Run.ID)})
		}
	}
	return blocks
}

// atKeys is what is in the way and is mended at an environment's keys.
func atKeys(e *models.Environment, why, do string) KeyBlock {
	return KeyBlock{e.ID, why, do, "Keys of " + e.DisplayName, environmentKeysURL(e)}
}

// targetBlocks are the keys for whom an environment's data keys are to be wrapped and cannot be.
func (p *KeyEmptyPage) targetBlocks(e *models.Environment) []KeyBlock {
	var blocks []KeyBlock
	for _, row := range recipientRows(e.ID, p.Keys) {
		if !row.Role.Wanted() || row.Kind != models.RecipientKMS {
			continue
		}
		who := row.Title() + ", " + row.Role.Word() + " of " + e.DisplayName + ", "
		givesWay := row.Role == RolePrimary && p.Replaces() // and has only to be looked up
		switch {
		case row.Problem != "" && !strings.Contains(row.Name, ":key/"): // an ARN need not be looked up
			blocks = append(blocks, atKeys(e, who+"cannot be looked up now: "+row.Problem, row.Hint))
		case row.Problem == "" && !row.Enabled && !givesWay:
			blocks = append(blocks, atKeys(e, who+"is "+row.Look().Word+": nothing can be wrapped under it.", "Enable it in AWS, or let "+e.DisplayName+" have another one."))
		}
	}
	return blocks
}
