package audit

import (
	"context"
	"io"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// exportPage is how many entries of an export are in memory at once.
const exportPage = 1000

// Export is a part of the log that was asked for, with that on record, ready to be written.
type Export struct {
	Format Format
	log    *Log
	asked  models.AuditEntry // that it was asked for
	query  Query
	last   int64 // the newest entry that is of it
	page   []models.AuditEntry
}

// Export begins an export of the entries that the actor may see and a query chooses, whose
// cursor and limit do not count. That it was asked for, or refused, is on record before any of
// it leaves; what cannot be read fails here, before anything is written.
func (l *Log) Export(ctx context.Context, actor models.Actor, q Query, format Format) (*Export, error) {
	if !format.known() {
		return nil, fault.InvalidField("format", "must be csv or jsonl")
	}
	entry := Entry(actor, "audit.export")
	entry.Detail = exportDetail(q, format)
	access, err := l.permit(ctx, actor, entry)
	if err != nil {
		return nil, err
	}
	x := &Export{Format: format, log: l, asked: entry, query: narrow(q, access)}
	err = l.store.Read(ctx, func(tx *store.Tx) error {
		first, end, err := tx.AuditBounds(x.query.Since, x.query.Until)
		if err != nil {
			return err
		}
		x.last = end - 1
		x.page, err = tx.AuditBetween(x.query, first-1, x.last, exportPage)
		return err
	})
	return x, err
}

// Write writes the entries, the oldest first, and calls wrote after each part of them. What is
// recorded meanwhile is not among them. Before each further part, still finds the actor as it stands
// by then; whoever may not see all of the export any more gets no more of it, on record. Where
// it fails, what was written is not the whole.
func (x *Export) Write(ctx context.Context, w io.Writer, still func(context.Context) (models.Actor, error), wrote func() error) error {
	out := x.Format.encoder(w)
	for written := 0; ; {
		for i := range x.page {
			if err := out.entry(&x.page[i]); err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		if err := wrote(); err != nil {
			return err
		}
		if len(x.page) < exportPage {
			return nil
		}
		written += len(x.page)
		if err := x.permitted(ctx, still, written); err != nil {
			return err
		}
		if err := x.turn(ctx); err != nil {
			return err
		}
	}
}

// permitted looks whether who asked may still see all of the export.
func (x *Export) permitted(ctx context.Context, still func(context.Context) (models.Actor, error), written int) error {
	actor, err := still(ctx)
	if err == nil {
		var access Access
		if access, err = x.log.access(ctx, actor); err == nil && !access.covers(x.query) {
			err = fault.New(fault.Forbidden, "What you may read of the audit log became less; the export was broken off.").WithHint("Begin it anew.")
		}
	}
	if Ended(x.asked, err).Outcome != models.OutcomeRefused {
		return err
	}
	entry := x.asked
	entry.Detail = maps.Clone(entry.Detail)
	entry.Detail["broken_off_after"] = strconv.Itoa(written)
	return Refused(ctx, x.log.store, entry, err)
}

// turn reads the next page.
func (x *Export) turn(ctx context.Context) error {
	after := x.page[len(x.page)-1].ID
	return x.log.store.Read(ctx, func(tx *store.Tx) (err error) {
		x.page, err = tx.AuditBetween(x.query, after, x.last, exportPage)
		return err
	})
}

// actionShape is that of actions and their beginnings.
var actionShape = regexp.MustCompile(`^[a-z_.]{1,64}$`)

// exportDetail is what an export is narrowed by. Of what was typed it names the field alone:
// people search for what they should not have written anywhere.
func exportDetail(q Query, format Format) map[string]string {
	detail := map[string]string{"format": string(format)}
	add := func(name, value string) {
		if value != "" {
			detail[name] = value
		}
	}
	moment := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	var typed []string
	if actionShape.MatchString(q.Action) {
		add("action", q.Action)
	} else if q.Action != "" {
		typed = append(typed, "action")
	}
	if q.Outcome.Known() {
		add("outcome", string(q.Outcome))
	}
	add("since", moment(q.Since))
	add("until", moment(q.Until))
	for _, field := range []struct{ name, text string }{{"search", q.Search}, {"actor", q.Actor}, {"object", q.Object}} {
		if field.text != "" {
			typed = append(typed, field.name)
		}
	}
	var environments []string
	for _, id := range q.Environments {
		environments = append(environments, strconv.FormatInt(int64(id), 10))
	}
	add("environment_id", strings.Join(environments, ", "))
	add("narrowed_by", strings.Join(typed, ", "))
	return detail
}
