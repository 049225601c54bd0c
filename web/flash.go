package web

import (
	"encoding/json"

	"github.com/gorilla/sessions"

	"github.com/your-org/keeper/templates"
)

// Messages about what was just done wait in the session's row for the next page.

func encodeFlashes(session *sessions.Session) []byte {
	waiting := session.Flashes()
	if len(waiting) == 0 {
		return nil
	}
	flashes := make([]templates.Flash, 0, len(waiting))
	for _, one := range waiting {
		session.AddFlash(one)
		if flash, ok := one.(templates.Flash); ok {
			flashes = append(flashes, flash)
		}
	}
	data, _ := json.Marshal(flashes) // strings always encode
	return data
}

// decodeFlashes reads what encodeFlashes wrote; what another version of Keeper wrote is
// passed over.
func decodeFlashes(data []byte) []templates.Flash {
	var flashes []templates.Flash
	if json.Unmarshal(data, &flashes) != nil {
		return nil
	}
	return flashes
}

// takeFlashes gives the messages to show on this page and forgets them. A part of a page
// that is fetched in the background shows none, so it takes none.
func (r *request) takeFlashes() []templates.Flash {
	if r.isPartial() || isBackground(r.Request) || r.session.ID == "" {
		return nil
	}
	var flashes []templates.Flash
	for _, one := range r.session.Flashes() {
		if flash, ok := one.(templates.Flash); ok {
			flashes = append(flashes, flash)
		}
	}
	return flashes
}

// flash leaves a message for the next page.
func (r *request) flash(kind templates.FlashKind, message, hint string) error {
	r.session.AddFlash(templates.Flash{Kind: kind, Message: message, Hint: hint})
	return r.session.Save(r.Request, r.out)
}

// done goes on to another page, which says what was done.
func (r *request) done(to, message string) error {
	if err := r.flash(templates.FlashDone, message, ""); err != nil {
		return err
	}
	return r.redirect(to)
}
