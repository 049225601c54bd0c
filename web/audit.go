package web

import (
	"time"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/templates"
	"github.com/your-org/keeper/web/rest"
)

// auditActions are what the log can be narrowed to: a noun with its dot is all of it.
var auditActions = []string{
	"secret.", "secret.create", "secret.reveal", "secret.update", "secret.rollback", "secret.delete", "secret.undelete", "secret.purge",
	"environment.", "environment.create", "environment.update", "environment.delete", "environment.export",
	"destination.", "destination.create", "destination.update", "destination.test", "destination.pause", "destination.resume", "destination.delete",
	"sync.", "sync.trigger", "sync.run",
	"session.", "session.create", "session.end", "token.", "token.create", "token.revoke", "user.", "user.create", "user.password",
	"audit.", "audit.read", "audit.export",
}

func (w *Web) listAudit(r *request) error {
	if err := w.checkAudit(r); err != nil {
		return err
	}
	page := &templates.AuditPage{Filter: templates.ParseAuditFilter(r.URL.Query()), Actions: auditActions}
	query, err := w.auditQuery(r, page.Filter)
	if err != nil {
		return err
	}
	entries, around, err := w.Audit.List(r.Context(), r.actor, query)
	if err != nil {
		return err
	}
	page.Entries, page.Pager = entries, pagerOf(around)
	return r.show(page, &page.BasePage)
}

// exportAudit gives what the filter leaves of the log as a file.
func (w *Web) exportAudit(r *request) error {
	if err := rest.Exportable(r.Request); err != nil {
		return err
	}
	query, err := w.auditQuery(r, templates.ParseAuditFilter(r.URL.Query()))
	if err != nil {
		return err
	}
	export, err := w.Audit.Export(r.Context(), r.actor, query, audit.Format(r.URL.Query().Get("format")))
	if err != nil {
		return err
	}
	rest.SendAudit(r.out, r.Request, export, r.again, w.Now())
	return nil
}

// checkAudit refuses who may read nothing of the log.
func (w *Web) checkAudit(r *request) error {
	mayRead, err := w.mayReadAudit(r)
	if err == nil && !mayRead {
		err = fault.New(fault.Forbidden, "The audit log is read by auditors, by administrators, and by managers for their environments.").
			WithHint("What happened to one secret stands on its own page.")
	}
	return err
}

// mayReadAudit reports whether any of the log is open to the actor.
func (w *Web) mayReadAudit(r *request) (bool, error) {
	if r.may(auth.ViewAudit, auth.Global) {
		return true, nil
	}
	environments, err := r.inEnvironments(auth.ViewEnvironmentLog)
	return len(environments) > 0, err
}

func (w *Web) auditQuery(r *request, f templates.AuditFilter) (audit.Query, error) {
	q := audit.Query{
		Search: f.Query, Actor: f.Actor, Action: f.Action, Object: f.Object, Outcome: models.Outcome(f.Outcome),
		Cursor: r.URL.Query().Get("cursor"), Limit: pageSize,
	}
	var err error
	if q.Since, err = dayParameter("from", f.From, 0); err != nil {
		return q, err
	}
	if q.Until, err = dayParameter("until", f.Until, 1); err != nil {
		return q, err
	}
	if f.Environment != "" {
		e, err := w.Secrets.FindEnvironment(r.Context(), r.actor, f.Environment)
		if err != nil {
			return q, err
		}
		q.Environments = []models.EnvironmentID{e.ID}
	}
	return q, nil
}

// dayParameter is the beginning of a day in UTC, so many days later; nil where none is given.
func dayParameter(name, text string, later int) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no date is no error
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil, fault.InvalidField(name, "must be a date such as 2026-11-22")
	}
	day = day.AddDate(0, 0, later)
	return &day, nil
}
