package templates

import (
	"encoding/hex"

	"github.com/your-org/keeper/models"
)

// HoldListPage is GET /destinations/{destination}/holds.
type HoldListPage struct {
	BasePage
	View  DestinationView
	Rows  []HoldRow
	Pager Pager
}

// HoldRow is one difference that waits for a person.
type HoldRow struct {
	Hold       models.SyncHold
	SecretName string
}

// State is the state that waits.
func (r HoldRow) State() State { return StateOf(models.SyncState{Status: r.Hold.Status}, false) }

func (*HoldListPage) template() string { return "holds/list" }

// Frame stands around the page.
func (p *HoldListPage) Frame() Frame {
	f := destinationFrame(&p.View.Environment, &p.View.Destination, "")
	f.Topics = "sync"
	return f
}

// HoldHead is what all pages of one difference show.
type HoldHead struct {
	Secret      models.Secret
	Environment models.Environment
	Destination models.Destination
}

func (h *HoldHead) frame(title string) Frame {
	f := destinationFrame(&h.Environment, &h.Destination, title)
	f.Crumbs = append(f.Crumbs, Crumb{"To decide", MustPath("/destinations/{destination}/holds", h.Destination.ID)})
	return f
}

// HoldPage is GET /destinations/{destination}/holds/{secret}: both sides of a difference.
// Fields of the decision: side, version, remote_version.
type HoldPage struct {
	BasePage
	HoldHead
	Hold    models.SyncHold
	Keeper  models.SecretVersion // that the hold is about
	Keepers models.VersionNumber // Keeper's current version: another one where Keeper's side has moved
	Rights  SecretRights
	Form    Form // what is wrong with a decision that was sent
}

func (*HoldPage) template() string { return "holds/overview" }

// Frame stands around the page.
func (p *HoldPage) Frame() Frame {
	f := p.frame(p.Secret.Name)
	f.Mono = true
	return f
}

// State is the state that waits.
func (p *HoldPage) State() State { return StateOf(models.SyncState{Status: p.Hold.Status}, false) }

// Gone reports whether there is no value at the destination.
func (p *HoldPage) Gone() bool { return p.Hold.RemoteVersion == "" }

// Moved reports whether Keeper's side is another than the one that the difference is about.
func (p *HoldPage) Moved() bool { return p.Keepers != p.Hold.Version }

// Decidable reports whether a decision about what the page shows would count.
func (p *HoldPage) Decidable() bool { return p.Rights.Write && p.Hold.Ruling == "" && !p.Moved() }

// Verdict says in words whether both sides hold the same value.
func (p *HoldPage) Verdict() string {
	switch {
	case p.Gone():
		return "There is no value at the destination any more."
	case len(p.Hold.RemoteHash) == 0 || len(p.Keeper.Hash) == 0:
		return "Whether the two values are equal is not known: the destination's was not read."
	case string(p.Hold.RemoteHash) == string(p.Keeper.Hash):
		return "The two values are equal: their keyed hashes are the same."
	}
	return "The two values are not equal: their keyed hashes differ."
}

// HoldRevealPage answers POST …/holds/{secret}/reveal for a browser without JavaScript, as
// SecretRevealPage does for Keeper's own.
type HoldRevealPage struct {
	BasePage
	HoldHead
	Value string
}

func (*HoldRevealPage) template() string { return "holds/reveal" }

// Frame stands around the page.
func (p *HoldRevealPage) Frame() Frame { return p.frame("Value at " + p.Destination.Name) }

// fingerprint is the beginning of a keyed hash, enough to compare two by eye.
func fingerprint(hash []byte) string {
	const digits = 12
	return hex.EncodeToString(hash[:min(len(hash), digits/2)])
}

// Next is what Keeper does next about the copy.
func (d DestinationState) Next() models.Next {
	return models.Copy{Destination: d.Destination, State: d.Sync, Hold: d.Hold, Deleted: d.Deleted}.Next()
}

// StrategyChoice is one strategy as the form offers it.
type StrategyChoice struct {
	Value      models.Strategy
	Word, Text string
}

// strategyChoices are the strategies, each with a sentence.
func strategyChoices() []StrategyChoice {
	all := make([]StrategyChoice, len(models.Strategies))
	for i, s := range models.Strategies {
		all[i] = strategyChoice(s)
	}
	return all
}

func strategyChoice(s models.Strategy) StrategyChoice {
	c := StrategyChoice{Value: s}
	switch s {
	case models.RemoteWins:
		c.Word, c.Text = "The destination wins", "Its value becomes a new version in Keeper, and from there reaches the other destinations."
	case models.NewestWins:
		c.Word, c.Text = "The newest wins", "What was changed last counts. Two changes within a minute are left to a person."
	case models.ManualWins:
		c.Word, c.Text = "A person decides", "Nothing is written on either side until somebody who may write secrets has looked at both."
	default:
		c.Value = models.KeeperWins
		c.Word, c.Text = "Keeper wins", "Keeper's version is written again. What it overtakes stays there as an earlier version."
	}
	return c
}

// ShapeChoice is one shape as the form offers it.
type ShapeChoice struct {
	Value      models.Shape
	Word, Text string
}

// shapeChoices are the shapes that a kind of destinations can have, each with a sentence.
func shapeChoices(kind models.DestinationKind) []ShapeChoice {
	var all []ShapeChoice
	for _, s := range models.Shapes {
		if s != models.ShapeObject || kind != models.DestinationAWS {
			all = append(all, shapeChoice(s))
		}
	}
	return all
}

func shapeChoice(s models.Shape) ShapeChoice {
	c := ShapeChoice{Value: s}
	switch s {
	case models.ShapeObject:
		c.Word, c.Text = "Object", "One entry for each secret; a JSON secret's object is the whole entry, key by key."
	case models.ShapeFolder:
		c.Word, c.Text = "Folder", "One entry for each folder; the last part of a secret's name is its key in it."
	case models.ShapeBundle:
		c.Word, c.Text = "Bundle", "One entry for all secrets of the environment; their names are its keys."
	default:
		c.Value, c.Word, c.Text = models.ShapeValue, "Value", "One entry for each secret, which holds its value and nothing else."
	}
	return c
}

// paceWords is how fast values of one secret go to AWS.
func paceWords(c models.DestinationConfig) string {
	switch {
	case c.WriteBurst < 0:
		return "as many values as there are"
	case c.WriteBurst == 0:
		return "5 values of one secret, then one in ten minutes"
	default:
		return plural(c.WriteBurst, "value") + " of one secret, then one in ten minutes"
	}
}

// brakeWords is what the brake of a destination holds back.
func brakeWords(c models.DestinationConfig) string {
	most, percent := c.Brake()
	switch {
	case most == 0:
		return "off"
	case percent == 0:
		return "more than " + count(most)
	}
	return "more than " + count(most) + " or " + count(percent) + " %"
}
