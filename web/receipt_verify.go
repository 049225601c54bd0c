package web

import (
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/templates"
)

func (w *Web) askVerify(r *request) error { return w.verifyForm(r, nil) }

// verifyForm takes the text of a receipt. What is of an environment that is not there for the
// actor is not shown again: its text names that.
func (w *Web) verifyForm(r *request, err error) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
		return err
	}
	page := &templates.ReceiptVerifyPage{}
	if err != nil {
		page.Form = r.refill(err, 0, "text", "read_again")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// verifyText checks a receipt by its text, and reads the destination again where that is asked
// for. Blanks around the text, which come with pasting, do not count.
func (w *Web) verifyText(r *request) error {
	f := r.form()
	text := strings.TrimSpace(f.text("text")) + "\n"
	checked, err := w.Destinations.VerifyReceipt(r.Context(), r.actor, text, f.line("read_again") == "true")
	if err != nil && (checked.Receipt.Run == "" || fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden)) {
		return err
	}
	said := receiptView(checked.Receipt)
	said.Signed = true
	page := &templates.ReceiptVerifyPage{Receipt: &said, Again: againView(checked.Again)}
	if err != nil {
		w.logFailure(r.Request, err)
		page.Refused = refusedFlash(err)
	}
	return r.show(page, &page.BasePage)
}
