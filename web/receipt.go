package web

import (
	"time"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func (w *Web) listReceipts(r *request) error {
	view, err := w.view(r)
	if err != nil {
		return err
	}
	page := &templates.ReceiptListPage{View: view, About: r.URL.Query().Get("about")}
	query := destinations.ReceiptQuery{DestinationID: view.Destination.ID, Cursor: r.URL.Query().Get("cursor"), Limit: pageSize}
	switch page.About {
	case templates.AboutAll:
		query.Whole = new(true)
	case templates.AboutChanges:
		query.Whole = new(false)
	default:
		page.About = ""
	}
	receipts, around, err := w.Destinations.Receipts(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	for _, one := range receipts {
		said, err := destinations.ReadReceipt(one.Body)
		if err != nil {
			return err
		}
		page.Receipts = append(page.Receipts, receiptView(said))
	}
	return r.show(page, &page.BasePage)
}

func (w *Web) showReceipt(r *request) error { return w.receiptPage(r, false) }

// verifyReceipt checks the receipt anew, and reads the destination again where that is asked for.
func (w *Web) verifyReceipt(r *request) error {
	return w.receiptPage(r, r.form().line("read_again") == "true")
}

// receiptPage checks the run's receipt and shows what it says. That it is not true, or that the
// destination cannot be read, is what the page tells.
func (w *Web) receiptPage(r *request, readAgain bool) error {
	view, err := w.runView(r)
	if err != nil {
		return err
	}
	stored, err := w.Destinations.Receipt(r.Context(), r.actor, view.Run.ID)
	if err != nil {
		return err
	}
	said, err := destinations.ReadReceipt(stored.Body)
	if err != nil {
		return err
	}
	page := &templates.ReceiptPage{RunView: view, Receipt: receiptView(said), MayReadAgain: r.may(auth.TriggerSync, view.Environment.ID)}
	if page.Receipt.PublicKey, err = w.Destinations.PublicKey(r.Context(), r.actor, view.Environment.ID); err != nil {
		return err
	}
	checked, err := w.Destinations.VerifyReceipt(r.Context(), r.actor, stored.Body, readAgain)
	page.Receipt.Signed = err == nil || checked.Receipt.Run == view.Run.ID
	page.Again = againView(checked.Again)
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil {
		w.logFailure(r.Request, err)
		page.Refused = refusedFlash(err)
	}
	return r.show(page, &page.BasePage)
}

// downloadReceipt gives the signed text as a file.
func (w *Web) downloadReceipt(r *request) error {
	stored, err := w.Destinations.Receipt(r.Context(), r.actor, models.RunID(r.param("run")))
	if err != nil {
		return err
	}
	header := r.out.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="receipt-`+string(stored.RunID)+`.txt"`)
	header.Set("Cache-Control", "no-store")
	_, _ = r.out.Write([]byte(stored.Body)) // the browser has gone where this fails
	return nil
}

func refusedFlash(err error) *templates.Flash {
	public := fault.Public(err)
	return &templates.Flash{Kind: templates.FlashFailed, Message: public.Message, Hint: public.Hint}
}

// againView is how the destination stands now; nil where it was not read again.
func againView(again *destinations.ReadAgain) *templates.ReadAgainView {
	if again == nil {
		return nil
	}
	return &templates.ReadAgainView{At: again.At, Matches: again.Matches, Now: provenView(again.Now), Differences: exceptions(again.Differences), Differ: again.Differ}
}

func receiptView(said destinations.SignedReceipt) templates.ReceiptView {
	return templates.ReceiptView{
		Run: said.Run, Plan: said.Plan, Engine: said.Engine, Installation: said.Installation, Started: said.Started, Ended: said.Ended,
		ListingAge: time.Duration(said.ListingAge) * time.Second, Proven: provenView(said.Proven),
		DestinationThen: said.Destination.Name, Environment: said.Environment,
	}
}

func provenView(p destinations.Proven) templates.ProvenView {
	view := templates.ProvenView{
		Wanted: int(p.Source.Names), There: int(p.ReadBack.Names), WantedRoot: p.Source.Root.String(), ThereRoot: p.ReadBack.Root.String(),
		Equal: p.Equal, Exceptions: p.Exceptions, ByVersion: p.Evidence.Version, ByValue: p.Evidence.Value, ByOwn: p.Evidence.Write,
		Named: exceptions(p.Named),
	}
	if p.Part != nil {
		view.Part, view.Names = p.Part.First, p.Part.Names
	}
	return view
}

func exceptions(all []destinations.Exception) []templates.ReceiptException {
	named := make([]templates.ReceiptException, len(all))
	for i, one := range all {
		named[i] = templates.ReceiptException{Name: one.Name, Status: one.Status, Why: one.Why}
	}
	return named
}
