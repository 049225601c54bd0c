package web

import (
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/secrets"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/web/rest"
)

func (w *Web) askExport(r *request) error { return w.exportForm(r, nil) }

// exportForm asks what to export. The proof that a protected environment takes is asked for
// before the form is filled in.
func (w *Web) exportForm(r *request, err error) error {
	e, findErr := w.environment(r)
	if findErr == nil && err == nil {
		findErr = auth.CheckAt(r.actor, auth.RevealSecret, e, w.Now())
	} else if findErr == nil {
		findErr = auth.Check(r.actor, auth.RevealSecret, e.ID)
	}
	if findErr != nil {
		return findErr
	}
	page := &templates.EnvironmentExportPage{Environment: e, MaxSecrets: secrets.MaxExportSecrets, MaxMiB: secrets.MaxExport >> 20}
	overview, findErr := w.Secrets.Overview(r.Context(), r.actor, e.ID)
	if findErr != nil {
		return findErr
	}
	for _, n := range overview.Types {
		page.Secrets += n
	}
	if err != nil {
		page.Form = r.refill(err, 0, "prefix", "partial")
	}
	return r.showRefused(err, page, &page.BasePage)
}

// exportSecrets answers with the values as a file.
func (w *Web) exportSecrets(r *request) error {
	e, err := w.environment(r)
	if err != nil {
		return err
	}
	f := r.form()
	export, err := w.Secrets.Export(r.Context(), r.actor, e.ID, secrets.ExportQuery{Prefix: f.line("prefix"), Partial: f.line("partial") == "true"})
	if err != nil {
		return err
	}
	defer export.Zero()
	rest.SendExport(r.out, export, w.Now())
	return nil
}
