package templates

import (
	"net/url"
	"strconv"
	"time"

	"github.com/your-org/keeper/models"
)

// BulkAct is what is done with many secrets at once. It stands in the URL.
type BulkAct string

// The acts.
const (
	BulkEdit     BulkAct = "edit" // owner, expiry, reminder
	BulkTag      BulkAct = "tag"
	BulkSync     BulkAct = "sync"
	BulkDelete   BulkAct = "delete"
	BulkUndelete BulkAct = "undelete"
)

type bulkWords struct{ title, verb, lead string }

var bulkActs = map[BulkAct]bulkWords{
	BulkEdit:     {"Edit secrets", "Change", "What is left empty stays as it is."},
	BulkTag:      {"Tag secrets", "Change", "A tag whose key a secret has already gets the new value."},
	BulkSync:     {"Sync secrets", "Sync", "Their copies are compared now, and put right as each destination's strategy says."},
	BulkDelete:   {"Delete secrets", "Delete", "Their copies are deleted too, within seconds. What reads them there stops working."},
	BulkUndelete: {"Undelete secrets", "Undelete", "They come back with all their versions, and their copies follow within seconds."},
}

// Known reports whether there is such an act.
func (a BulkAct) Known() bool { return bulkActs[a].title != "" }

// Verb is the act as a button says it.
func (a BulkAct) Verb() string { return bulkActs[a].verb }

// Lead says what the act does.
func (a BulkAct) Lead() string { return bulkActs[a].lead }

// Asks reports whether the act has a form to fill in before there is anything to show.
func (a BulkAct) Asks() bool { return a == BulkEdit || a == BulkTag }

// Fields are the names of the fields of the act's form.
func (a BulkAct) Fields() []string {
	switch a {
	case BulkEdit:
		return []string{"new_owner", "clear_owner", "expires_at", "clear_expires_at", "rotate_every_days"}
	case BulkTag:
		return []string{"tags", "untag"}
	default:
		return nil
	}
}

// BulkChange is one field of a secret before and after; "" is nothing. Field is "owner",
// "expires_at" (RFC 3339), "rotate_every_days", "tags" (one key=value) or "copies".
type BulkChange struct{ Field, From, To string }

// Label is the field in words.
func (c BulkChange) Label() string {
	switch c.Field {
	case "expires_at":
		return "Expires"
	case "rotate_every_days":
		return "Reminder to rotate"
	case "tags":
		return "Tag"
	default:
		return fieldWord(c.Field)
	}
}

// Before is what stood there, in words.
func (c BulkChange) Before() string { return c.words(c.From) }

// After is what will stand there, in words.
func (c BulkChange) After() string { return c.words(c.To) }

func (c BulkChange) words(value string) string {
	switch {
	case c.Field == "rotate_every_days" && value == "0":
		return "never"
	case c.Field == "rotate_every_days":
		return "every " + value + " d"
	case value == "":
		return "none"
	case c.Field == "expires_at":
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return exactTime(t)
		}
	}
	return value
}

// BulkRow is what becomes of one secret.
type BulkRow struct {
	Secret      models.Secret
	Environment models.Environment
	Changes     []BulkChange // none: it stays as it is
	Why         string       // it cannot be done; "": it can
}

// BulkPage is GET /secrets/bulk, and POST /secrets/bulk refused: what was chosen, the form of
// the act, and exactly what would change. Parameters: act; id (many), or all=true and a filter;
// and the fields of the act.
type BulkPage struct {
	BasePage
	Act          BulkAct
	Filter       SecretFilter // of the list it came from, and the choice where All
	All          bool
	IDs          []models.SecretID // where not All
	Form         Form
	Previewed    bool
	Rows         []BulkRow // by environment and name
	From         int       // where, among Rows in the order of their fates, the shown ones begin
	Gone         int       // chosen ones that are not there any more
	Digest       string    // of what would change
	PurgeAfter   time.Time // until when they can be undeleted, if deleted now
	Most         int       // how many may be changed at once
	TooMany      bool      // All, and more than Most match
	Confirmation Confirmation
}

func (*BulkPage) template() string { return "secrets/bulk" }

// Frame stands around the page.
func (p *BulkPage) Frame() Frame {
	title := bulkActs[p.Act].title
	if title == "" {
		title = "Change secrets"
	}
	return Frame{Title: title, Nav: NavSecrets, Crumbs: []Crumb{{"Secrets", p.Back()}}}
}

func (p *BulkPage) confirmation() Confirmation { return p.Confirmation }

// Back is the list that the choice was made in.
func (p *BulkPage) Back() string {
	if p.Act == BulkUndelete {
		return withQuery("/secrets/deleted", url.Values{"environment": {p.Filter.Environment}, "q": {p.Filter.Query}})
	}
	return p.Filter.URL()
}

// bulkFate is which of three things becomes of a secret.
type bulkFate int

// The fates, in the order in which a preview shows them.
const (
	bulkChanges bulkFate = iota
	bulkRefused
	bulkSame
)

func (r *BulkRow) fate() bulkFate {
	switch {
	case r.Why != "":
		return bulkRefused
	case len(r.Changes) == 0:
		return bulkSame
	default:
		return bulkChanges
	}
}

// Changing is how many secrets change.
func (p *BulkPage) Changing() int { return p.count(bulkChanges) }

func (p *BulkPage) count(fate bulkFate) (n int) {
	for i := range p.Rows {
		if p.Rows[i].fate() == fate {
			n++
		}
	}
	return n
}

// Take are the IDs of what changes, as the form sends them.
func (p *BulkPage) Take() string {
	var ids []models.SecretID
	for i := range p.Rows {
		if p.Rows[i].fate() == bulkChanges {
			ids = append(ids, p.Rows[i].Secret.ID)
		}
	}
	return joinIDs(ids)
}

// Choice are the hidden fields that say again what was chosen.
func (p *BulkPage) Choice() []Option {
	choice := []Option{{Label: "act", Value: string(p.Act)}}
	choice = append(choice, p.Filter.All()...)
	if p.All {
		return append(choice, Option{Label: "all", Value: "true"})
	}
	return append(choice, Option{Label: "id", Value: joinIDs(p.IDs)})
}

func joinIDs(ids []models.SecretID) string {
	var text []byte
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(id), 10)
	}
	return string(text)
}

// Typed are the hidden fields that say again what was typed.
func (p *BulkPage) Typed() []Option {
	var typed []Option
	for _, name := range p.Act.Fields() {
		if v := p.Form.Value(name); v != "" {
			typed = append(typed, Option{Label: name, Value: v})
		}
	}
	return typed
}

// BulkPhrase is what must be typed before many secrets are deleted.
func BulkPhrase(n int) string { return "delete " + plural(n, "secret") }
