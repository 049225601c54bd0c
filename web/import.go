package web

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/destinations"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
)

func importURL(id models.ImportID) string { return templates.MustPath("/sync/imports/{import}", id) }

func (w *Web) listImports(r *request) error {
	if _, _, err := w.destinationFor(r, auth.ManageDestination); err != nil {
		return err
	}
	view, err := w.view(r)
	if err != nil {
		return err
	}
	imports, around, err := w.Destinations.Imports(r.Context(), r.actor, destinations.ImportQuery{
		DestinationID: view.Destination.ID, Cursor: r.URL.Query().Get("cursor"), Limit: pageSize,
	})
	if err != nil {
		return err
	}
	page := &templates.ImportListPage{View: view, Imports: imports, Pager: pagerOf(around)}
	return r.show(page, &page.BasePage)
}

func (w *Web) newImport(r *request) error { return w.newImportForm(r, nil) }

func (w *Web) newImportForm(r *request, err error) error {
	d, e, formErr := w.destinationFor(r, auth.ManageDestination)
	if formErr != nil {
		return formErr
	}
	page := &templates.ImportNewPage{Destination: d, Environment: e, Purpose: models.PurposeImport}
	asked := r.URL.Query()
	if cmp.Or(r.form().line("purpose"), asked.Get("purpose")) == string(models.PurposeAdopt) {
		page.Purpose = models.PurposeAdopt
	}
	if page.Adopts() && d.Config.Shape.Grouped() {
		return fault.New(fault.Invalid, "The entries of %s hold several secrets each, so none can be adopted as a secret.", d.Name).WithHint("Import them.")
	}
	if page.Beyond, formErr = w.Destinations.Reaches(r.Context(), r.actor, d.ID, ""); formErr != nil {
		return formErr
	}
	page.Form = templates.NewForm(map[string]string{"prefix": d.Config.Prefix, "split": asked.Get("split")})
	if asked.Has("prefix") {
		page.Form.Values["prefix"] = asked.Get("prefix")
	}
	if err != nil {
		page.Form = r.refill(err, 0, "prefix", "split", "names")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// createImport looks at what is there, and shows what it would become.
func (w *Web) createImport(r *request) error {
	f := r.form()
	draft := destinations.ImportDraft{Purpose: models.ImportPurpose(f.line("purpose"))}
	if draft.Purpose != models.PurposeAdopt {
		draft.Prefix = new(f.line("prefix"))
		if split := f.line("split"); split != "" {
			draft.Split = new(split == "true")
		}
		draft.Names = f.nameMap()
	}
	if err := f.err(); err != nil {
		return err
	}
	made, err := w.Destinations.PreviewImport(r.Context(), r.actor, models.DestinationID(r.param("destination")), draft)
	if err != nil {
		return err
	}
	if err := w.tellUnused(r, made.ID, draft.Names); err != nil {
		return err
	}
	return r.redirect(importURL(made.ID))
}

// nameMap is the name map of the file, or else of the text area; nil where there is none.
func (f *form) nameMap() map[string]string {
	text := []byte(f.text("names"))
	if f.r.MultipartForm != nil && len(f.r.MultipartForm.File["names_file"]) > 0 {
		file, err := f.r.MultipartForm.File["names_file"][0].Open()
		if err == nil {
			defer func() { _ = file.Close() }()
			text, err = io.ReadAll(file)
		}
		if err != nil {
			f.wrong("names", "cannot be read from the file")
		}
	}
	names, err := models.ParseNameMap(text)
	if err != nil {
		f.wrong("names", "is not taken: "+fault.Public(err).Message)
	}
	return names
}

// tellUnused warns of what a name map speaks of and is not there.
func (w *Web) tellUnused(r *request, id models.ImportID, names map[string]string) error {
	if len(names) == 0 {
		return nil
	}
	items, err := w.importItems(r, id, destinations.ImportItemQuery{})
	if err != nil {
		return err
	}
	unused := maps.Clone(names)
	for _, item := range items {
		delete(unused, item.Label())
	}
	if len(unused) == 0 {
		return nil
	}
	return r.flash(templates.FlashWarning, "The name map speaks of "+strconv.Itoa(len(unused))+" names that are not there, such as "+
		slices.Min(slices.Collect(maps.Keys(unused)))+".", "The others were taken from it.")
}

// importItems are all items of an import that a query chooses.
func (w *Web) importItems(r *request, id models.ImportID, q destinations.ImportItemQuery) (all []models.ImportItem, err error) {
	for {
		items, err := w.Destinations.ImportItems(r.Context(), r.actor, id, q)
		if err != nil || len(items) == 0 {
			return all, err
		}
		all = append(all, items...)
		q.After = items[len(items)-1].Number
	}
}

// importHead is what all pages of the import that the path names show.
func (w *Web) importHead(r *request) (templates.ImportHead, error) {
	i, err := w.Destinations.FindImport(r.Context(), r.actor, models.ImportID(r.param("import")))
	if err != nil {
		return templates.ImportHead{}, err
	}
	d, e, err := w.Destinations.Get(r.Context(), r.actor, i.DestinationID)
	if err != nil {
		return templates.ImportHead{}, err
	}
	reaches, err := w.Destinations.Reaches(r.Context(), r.actor, d.ID, i.Prefix)
	return templates.ImportHead{
		Import: i, Destination: d, Environment: e,
		MayApply: reaches && (i.Purpose == models.PurposeAdopt || r.may(auth.WriteSecret, e.ID)),
	}, err
}

func (w *Web) showImport(r *request) error { return w.importPage(r, nil) }

// importPage shows an import as its URL asks, or as a form that was refused was sent.
func (w *Web) importPage(r *request, refused error) error {
	head, err := w.importHead(r)
	if err != nil {
		return err
	}
	asked := r.URL.Query()
	if refused != nil {
		asked = r.PostForm
	}
	page := &templates.ImportPage{ImportHead: head, Cursor: asked.Get("cursor")}
	page.Filter.Query = asked.Get("q")
	if head.Preview() {
		page.Filter.Status = models.ImportItemStatus(asked.Get("status"))
	} else {
		page.Filter.Result = models.ImportResult(asked.Get("result"))
		page.GoesOn = refused == nil && head.Applying() && head.MayApply && asked.Get("on") != ""
	}
	left, err := parseNumbers(asked.Get("not"))
	if err != nil {
		return err
	}
	if refused != nil {
		page.Form.Fail(refused)
		if err := left.choose(asked); err != nil {
			return err
		}
	}
	page.Filter.Not = left.String()
	if err := w.importRows(r, page, left, refused != nil); err != nil {
		return err
	}
	if head.Choosable() {
		open, err := w.openItems(r, head)
		if err != nil {
			return err
		}
		page.Chosen = tally(open, left).All()
	}
	return r.showRefused(refused, page, &page.BasePage)
}

// importRows fills in the rows of the page.
func (w *Web) importRows(r *request, page *templates.ImportPage, left numbers, typed bool) error {
	items, around, err := w.Destinations.ImportItemPage(r.Context(), r.actor, page.Import.ID, destinations.ImportItemQuery{
		Status: page.Filter.Status, Result: page.Filter.Result, Search: page.Filter.Query, Limit: pageSize,
	}, page.Cursor)
	if err != nil {
		return err
	}
	page.Pager = pagerOf(around)
	shown := numbers{}
	for _, item := range items {
		row := templates.ImportRow{Item: item, Name: item.SecretName, Open: page.Choosable() && takeable(page.Import, item), Chosen: !left[item.Number], Elsewhere: page.Elsewhere()}
		if item.Status == models.ItemLeftOut {
			row.Name = ""
		}
		if field := nameField(item.Number); typed && r.PostForm.Has(field) {
			row.Name = r.form().line(field)
		}
		if row.Open {
			shown[item.Number] = true
		}
		page.Rows = append(page.Rows, row)
	}
	page.Shown = shown.String()
	return nil
}

// writeImportNames gives the name map of an import as a file.
func (w *Web) writeImportNames(r *request) error {
	head, err := w.importHead(r)
	if err != nil {
		return err
	}
	items, err := w.importItems(r, head.Import.ID, destinations.ImportItemQuery{})
	if err != nil {
		return err
	}
	lines := make([]models.NameMapping, len(items))
	for n, item := range items {
		lines[n] = models.NameMapping{There: item.Label(), Secret: item.SecretName}
		if item.Status == models.ItemLeftOut {
			lines[n].Secret = ""
		}
	}
	header := r.out.Header()
	header.Set("Content-Type", "text/csv; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="names-`+string(head.Import.ID)+`.csv"`)
	header.Set("Cache-Control", "no-store")
	_ = models.WriteNameMap(r.out, lines) // the browser has gone where this fails
	return nil
}
