package rest

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/your-org/keeper/api"
	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// exportPause bounds how long a client may take for one part of an export.
const exportPause = time.Minute

// ListAudit lists entries of the audit log.
func (s *server) ListAudit(w http.ResponseWriter, r *http.Request, params api.ListAuditParams) {
	s.serve(w, r, func(ctx context.Context, actor models.Actor) (answer, error) {
		query, err := s.auditQuery(ctx, actor, params)
		if err != nil {
			return answer{}, err
		}
		entries, around, err := s.Audit.List(ctx, actor, query)
		return answer{body: api.AuditEntryList{Items: convert(entries, auditEntry), Next: around.Next}, next: around.Next}, err
	})
}

// ExportAudit writes all entries of the audit log that are asked for.
func (s *server) ExportAudit(w http.ResponseWriter, r *http.Request, p api.ExportAuditParams) {
	export, err := s.auditExport(r, p)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	still := func(context.Context) (models.Actor, error) { return s.authenticate(r) }
	SendAudit(w, r, export, still, s.Now())
}

func (s *server) auditExport(r *http.Request, p api.ExportAuditParams) (*audit.Export, error) {
	if err := Exportable(r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	query, err := s.auditQuery(ctx, actorOf(ctx), api.ListAuditParams{
		EnvironmentID: p.EnvironmentID, Search: p.Search, Actor: p.Actor, Action: p.Action, Object: p.Object,
		Outcome: p.Outcome, Since: p.Since, Until: p.Until,
	})
	if err != nil {
		return nil, err
	}
	return s.Audit.Export(ctx, actorOf(ctx), query, audit.Format(cmp.Or(p.Format, string(audit.JSONLines))))
}

// Exportable refuses, before anything is recorded, what could not be answered with an export.
func Exportable(r *http.Request) error {
	switch {
	case r.Method == http.MethodHead:
		return fault.New(fault.Invalid, "An export has no head.").WithHint("GET it.")
	case !r.ProtoAtLeast(1, 1):
		return fault.New(fault.Invalid, "An export needs HTTP/1.1: over HTTP/1.0 one that broke off could not be told from a whole one.").
			WithHint("Have the proxy speak HTTP/1.1 to Keeper; for nginx that is proxy_http_version 1.1.")
	}
	return nil
}

// SendAudit answers with an export, part by part; before each, still finds who asks as they stand
// by then. Where it cannot go on, it breaks the answer off before its end, so that nobody takes
// what there is for the whole.
func SendAudit(w http.ResponseWriter, r *http.Request, export *audit.Export, still func(context.Context) (models.Actor, error), at time.Time) {
	header := w.Header()
	header.Set("Content-Type", export.Format.MediaType()+"; charset=utf-8")
	header.Set("Content-Disposition", `attachment; filename="`+export.Format.FileName(at)+`"`)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx
	controller := http.NewResponseController(w)
	// The server's limits for a whole request would end a long export.
	_ = controller.SetReadDeadline(time.Time{}) // where it is not supported there is no limit
	extend := func() error {
		_ = controller.SetWriteDeadline(time.Now().Add(exportPause))
		return controller.Flush()
	}
	_ = controller.SetWriteDeadline(time.Now().Add(exportPause))
	if err := export.Write(r.Context(), w, still, extend); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (s *server) auditQuery(ctx context.Context, actor models.Actor, p api.ListAuditParams) (audit.Query, error) {
	limit, err := pageLimit(p.Limit)
	if err != nil {
		return audit.Query{}, err
	}
	q := audit.Query{
		Search: p.Search, Actor: p.Actor, Action: p.Action, Object: p.Object, Outcome: models.Outcome(p.Outcome), Cursor: p.Cursor, Limit: limit,
	}
	if !q.Outcome.Known() && q.Outcome != "" {
		return q, fault.InvalidField("outcome", "must be allowed, refused or failed")
	}
	if !p.Since.IsZero() {
		q.Since = &p.Since
	}
	if !p.Until.IsZero() {
		q.Until = &p.Until
	}
	if p.EnvironmentID == "" {
		return q, nil
	}
	e, err := s.Secrets.FindEnvironment(ctx, actor, p.EnvironmentID)
	q.Environments = []models.EnvironmentID{e.ID}
	return q, err
}

func auditEntry(e models.AuditEntry) api.AuditEntry {
	return api.AuditEntry{
		ID: e.UID, Seq: e.Seq, At: e.At.UTC(), Actor: e.ActorName, ActorID: e.ActorID, ActorKind: string(e.ActorKind), Via: e.Via,
		Address: e.Address, RequestID: e.RequestID, Action: e.Action, Outcome: string(e.Outcome),
		EnvironmentID: int64(e.EnvironmentID), Environment: e.EnvironmentName,
		ObjectKind: e.ObjectKind, ObjectID: e.ObjectID, Object: e.ObjectName, Version: int64(e.Version), Detail: e.Detail,
	}
}
