package secrets

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/your-org/keeper/audit"
	"github.com/your-org/keeper/auth"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/kms"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

// MaxExport is how many bytes of values one export holds at most. All of them are in memory
// at once: an export is on record as a whole before any of it leaves.
const MaxExport = 64 << 20

// MaxExportSecrets is of how many secrets one export holds values at most: the record of all
// of them is one transaction, for which other writers wait.
const MaxExportSecrets = 10_000

// exportPage is how many secrets one query reads.
const exportPage = 500

// shownNames is how many of those that do not open an error names.
const shownNames = 10

// ExportQuery says what of an environment to export.
type ExportQuery struct {
	Prefix string // of the names; "": all
	// Partial exports what opens and lists the rest as unknown. Without it one secret that
	// does not open fails the export.
	Partial bool
}

// Export is values of an environment, by name. Zero it when it is done with.
type Export struct {
	Environment models.Environment
	Items       []Revealed
	Unknown     []NotOpened
}

// NotOpened is a secret that is there and whose value could not be had.
type NotOpened struct {
	Secret models.Secret
	Err    error
}

// Zero overwrites the values.
func (x *Export) Zero() {
	for _, item := range x.Items {
		item.Value.Zero()
	}
}

// Export opens the current value of every secret of an environment that is not deleted. Each
// of them is on record as revealed, durably and all together, before any value leaves.
func (s *Service) Export(ctx context.Context, actor models.Actor, id models.EnvironmentID, q ExportQuery) (Export, error) {
	e, err := s.environment(ctx, actor, auth.RevealSecret, id)
	if err != nil {
		return Export{}, err
	}
	rows, err := s.exportRows(ctx, e, q)
	if err != nil {
		return Export{}, err
	}
	x := s.openRows(ctx, e, rows)
	failure := x.failure(q)
	if err := s.recordExport(ctx, actor, x, q, failure); err != nil {
		x.Zero()
		return Export{}, fault.Wrap(err, fault.Unavailable, "The export could not be recorded, so no value was shown.").WithHint("Try again.")
	}
	if failure != nil {
		x.Zero()
		return Export{}, failure
	}
	return x, nil
}

// exportRows reads what is to be exported, still sealed.
func (s *Service) exportRows(ctx context.Context, e models.Environment, q ExportQuery) ([]store.CurrentRow, error) {
	if strings.ContainsFunc(q.Prefix, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, fault.InvalidField("prefix", "must hold only what names may hold")
	}
	var rows []store.CurrentRow
	size, after := 0, ""
	for {
		var page []store.CurrentRow
		err := s.Store.Read(ctx, func(tx *store.Tx) (err error) {
			page, err = tx.CurrentVersions(e.ID, q.Prefix, after, exportPage)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, row := range page {
			size += max(row.Version.Size, len(row.Version.Ciphertext)) // what the row says and what it holds
		}
		rows = append(rows, page...)
		if size > MaxExport || len(rows) > MaxExportSecrets {
			return nil, fault.New(fault.Invalid, "The values of %s are more than the %d MiB, or the %d secrets, that one export holds.", e.Name, MaxExport>>20, MaxExportSecrets).
				WithHint("Export it in parts, by prefix.")
		}
		if len(page) < exportPage {
			return rows, nil
		}
		after = page[len(page)-1].Secret.Name
	}
}

func (s *Service) openRows(ctx context.Context, e models.Environment, rows []store.CurrentRow) Export {
	items := make([]kms.Item, len(rows))
	for i, row := range rows {
		v := row.Version
		items[i] = kms.Item{
			Label:  kms.VersionLabel(e.ID, v.SecretID, v.Number),
			Sealed: kms.Sealed{DataKeyID: v.DataKeyID, Format: v.Format, Ciphertext: v.Ciphertext},
		}
	}
	x := Export{Environment: e}
	for i, one := range s.Envelope.OpenAll(ctx, e, items) {
		if one.Err != nil {
			x.Unknown = append(x.Unknown, NotOpened{rows[i].Secret, one.Err})
			continue
		}
		x.Items = append(x.Items, Revealed{Secret: rows[i].Secret, Version: rows[i].Version, Value: one.Value})
	}
	return x
}

// failure says what of an export does not open, where that fails it: Unavailable as long as
// one of it may open by waiting.
func (x *Export) failure(q ExportQuery) error {
	if len(x.Unknown) == 0 || q.Partial {
		return nil
	}
	first := x.Unknown[0].Err
	names := make([]string, 0, shownNames)
	for i, one := range x.Unknown {
		if fault.Is(one.Err, fault.Unavailable) && !fault.Is(first, fault.Unavailable) {
			first = one.Err
		}
		if i < shownNames {
			names = append(names, one.Secret.Name)
		}
	}
	if more := len(x.Unknown) - len(names); more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	said := fault.Public(first)
	return fault.Wrap(first, said.Kind, "%d of the %d secrets of %s cannot be opened (%s); nothing was exported. %s",
		len(x.Unknown), len(x.Unknown)+len(x.Items), x.Environment.Name, strings.Join(names, ", "), said.Message).
		WithHint("%s", cmp.Or(said.Hint, "Try again.")+" Ask for a partial export to get the others, with these listed as unknown.")
}

// recordExport writes one entry for the export and one per secret: of an export that failed,
// of those alone that made it fail, for nothing of the others was shown.
func (s *Service) recordExport(ctx context.Context, actor models.Actor, x Export, q ExportQuery, failure error) error {
	whole := audit.Ended(audit.OnEnvironment(actor, "environment.export", x.Environment), failure)
	whole.Detail = map[string]string{
		"prefix": q.Prefix, "secrets": strconv.Itoa(len(x.Items)), "unknown": strconv.Itoa(len(x.Unknown)),
	}
	entries := []models.AuditEntry{whole}
	add := func(secret models.Secret, err error) {
		entry := audit.Ended(audit.OnSecret(actor, "secret.reveal", x.Environment, secret), err)
		entry.Version, entry.Detail = secret.CurrentVersion, map[string]string{"by": "export"}
		entries = append(entries, entry)
	}
	for _, one := range x.Unknown {
		add(one.Secret, one.Err)
	}
	if failure == nil {
		for _, one := range x.Items {
			add(one.Secret, nil)
		}
	}
	return s.Store.Write(ctx, func(tx *store.Tx) error { return tx.AppendAudits(entries) })
}
