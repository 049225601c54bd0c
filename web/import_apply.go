package web

import (
	"time"

	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

// importStep is how long one step of an import works before the page tells how far it is.
const importStep = 3 * time.Second

func (w *Web) askApplyImport(r *request) error { return w.applyImportForm(r, nil) }

// applyImportForm asks, or tells what went wrong: of an import that was begun, beside what it
// has done.
func (w *Web) applyImportForm(r *request, refused error) error {
	head, err := w.importHead(r)
	if err != nil {
		return err
	}
	switch {
	case !head.MayApply:
		return fault.New(fault.Forbidden, "You may not apply this import; nothing was changed.").WithHint("It looks beyond the destination's prefix with Keeper's own credentials. An administrator may.")
	case refused != nil && !head.Preview():
		return w.importPage(r, refused)
	case !head.Preview():
		return fault.New(fault.Conflict, "The import was begun already; nothing was changed.").WithHint("Make a new preview to see what is left.")
	}
	text := r.URL.Query().Get("not")
	if refused != nil {
		text = r.form().line("not")
	}
	left, err := parseNumbers(text)
	if err != nil {
		return err
	}
	open, err := w.openItems(r, head)
	if err != nil {
		return err
	}
	page := &templates.ImportApplyPage{ImportHead: head, Not: left.String(), Choice: tally(open, left), Confirmation: templates.Confirmation{Name: head.Destination.Name}}
	if page.Choice.All() == 0 && refused == nil {
		return fault.New(fault.Invalid, "Nothing is chosen, so there is nothing to do.").WithHint("Go back and tick what is to be taken.")
	}
	if refused != nil {
		page.Confirmation.Form = r.refill(refused, 0, "adopt", "side", "confirm")
	}
	return r.showRefused(refused, page, &page.BasePage)
}

// applyImport does a step of an import: the first one with what was chosen, each other as the
// import was begun.
func (w *Web) applyImport(r *request) error {
	head, err := w.importHead(r)
	if err != nil {
		return err
	}
	choice := destinations.ImportChoice{Adopt: head.Import.Adopt, Side: head.Import.Side}
	if head.Preview() {
		if choice, err = w.importChoice(r, head); err != nil {
			return err
		}
	}
	choice.Within = importStep
	done, err := w.Destinations.ApplyImport(r.Context(), r.actor, head.Import.ID, choice)
	if err != nil {
		return err
	}
	if done.Status == models.ImportApplying {
		return r.redirect(importURL(done.ID) + "?on=1")
	}
	return r.redirect(importURL(done.ID))
}

// importChoice is what the question was answered with.
func (w *Web) importChoice(r *request, head templates.ImportHead) (c destinations.ImportChoice, err error) {
	f := r.form()
	c.Adopt = head.Adopts() || f.line("adopt") == "true"
	c.Side = models.Side(f.line("side"))
	if c.Side == models.SideKeeper {
		if err := confirmed(f, head.Destination.Name); err != nil {
			return c, err
		}
	}
	left, err := parseNumbers(f.line("not"))
	if err != nil || len(left) == 0 {
		return c, err
	}
	items, err := w.importItems(r, head.Import.ID, destinations.ImportItemQuery{Open: true})
	if err != nil {
		return c, err
	}
	some := false
	c.Numbers = []int{}
	for _, item := range items {
		can := takeable(head.Import, item)
		if !can || !left[item.Number] { // what cannot be taken says so itself
			c.Numbers = append(c.Numbers, item.Number)
			some = some || can
		}
	}
	if !some {
		return c, fault.New(fault.Invalid, "Nothing is chosen; nothing was changed.").WithHint("Go back and tick what is to be taken.")
	}
	return c, nil
}
