package store

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

const (
	auditInsert = "INSERT INTO audit_entries (uid, at, actor_kind, actor_id, actor_name, via, address, request_id, action, " +
		"outcome, environment_id, environment_name, object_kind, object_id, object_name, version, detail) VALUES "
	auditRow     = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
	auditColumns = 17
)

// auditInserts[i] inserts 2^i entries: a group is written by the few texts that its size is
// the sum of, all of which stay prepared.
var auditInserts = func() (texts [9]query) {
	for i := range texts {
		texts[i] = newQuery(auditInsert + strings.TrimSuffix(strings.Repeat(auditRow+",", 1<<i), ","))
	}
	return texts
}()

// AppendAudit adds an entry in this transaction. An empty UID and a zero time are filled in.
func (tx *Tx) AppendAudit(entry models.AuditEntry) error {
	tx.s.complete(&entry)
	r := request{entry: &entry}
	return insertEntries(tx, 1, func(int) *request { return &r })
}

// insertEntries inserts the entries of n requests.
func insertEntries(tx *Tx, n int, at func(int) *request) error {
	args := make([]any, 0, n*auditColumns)
	for i := range n {
		var err error
		entry := at(i).entry
		if args, err = auditArgs(args, entry); err != nil {
			return err
		}
		tx.acted = tx.acted || entry.Outcome == models.OutcomeAllowed
	}
	for size := len(auditInserts) - 1; len(args) > 0; {
		width := auditColumns << size
		if len(args) < width {
			size--
			continue
		}
		if _, err := tx.exec("audit entry", auditInserts[size], args[:width]...); err != nil {
			return err
		}
		args = args[width:]
	}
	return nil
}

func auditArgs(args []any, e *models.AuditEntry) ([]any, error) {
	var detail any
	if len(e.Detail) > 0 {
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "The audit entry could not be encoded.")
		}
		detail = string(text)
	}
	return append(args, e.UID, e.At, string(e.ActorKind), e.ActorID, e.ActorName, e.Via, e.Address, e.RequestID, e.Action,
		string(e.Outcome), int64(e.EnvironmentID), e.EnvironmentName, e.ObjectKind, e.ObjectID, e.ObjectName,
		int64(e.Version), detail), nil
}

// complete fills in what the caller left open, and cuts what came from outside to what the
// columns hold: a refused operation is recorded whatever its caller sent.
func (s *Store) complete(e *models.AuditEntry) {
	if e.UID == "" {
		e.UID = models.NewID("aud")
	}
	if e.At.IsZero() {
		e.At = s.options.Now()
	}
	e.At = micro(e.At)
	e.ActorID = clip(e.ActorID, 40)
	e.ActorName = clip(e.ActorName, 1024)
	e.Address = clip(e.Address, 64)
	e.RequestID = clip(e.RequestID, 64)
	e.EnvironmentName = clip(e.EnvironmentName, 63)
	e.ObjectID = clip(e.ObjectID, 64)
	e.ObjectName = clip(e.ObjectName, 512)
}

// clip makes text that every database takes: valid UTF-8 without NUL, at most size bytes.
func clip(text string, size int) string {
	if len(text) <= size && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
	for len(text) > size {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-last]
	}
	return text
}

// AuditQuery says which entries to list. Empty fields do not narrow, except that without
// Environments and Global nothing is listed.
type AuditQuery struct {
	Environments []models.EnvironmentID
	Global       bool // also entries of no environment
	Everything   bool // of all environments, gone ones too, instead of the two fields above
	ActorID      string
	Action       string // "secret.reveal", or a prefix that ends with a dot: "secret."
	ObjectKind   string
	ObjectID     string
	Outcome      models.Outcome
	Since, Until *time.Time // from Since on, before Until
	Search       string     // part of the actor's or the object's name or of the action, in either case
	Actor        string     // part of the actor's name, in either case
	Object       string     // part of the object's name, in either case
	Cursor       string
	Limit        int // 0, and more than 200: 200
}

// auditStretch is how many entries a page of what no index narrows is looked for in, so that a
// search costs the same however long the log is. A page may so have fewer entries than its limit,
// even none, and others after it.
const auditStretch = 20_000

// scanned reports whether entries are to be gone through to find those that are asked for.
func (q AuditQuery) scanned() bool {
	return q.ObjectID == "" && q.ActorID+q.Action+q.ObjectKind+string(q.Outcome)+q.Search+q.Actor+q.Object != ""
}

// Audit lists entries, the newest first, and the cursors of the pages around them. Where there are
// cursors there is more to look through; see auditStretch.
func (tx *Tx) Audit(q AuditQuery) ([]models.AuditEntry, Around, error) {
	query := tx.chosenAudit(q)
	if query == nil {
		return nil, Around{}, nil
	}
	low, high, err := tx.AuditBounds(q.Since, q.Until)
	if err != nil {
		return nil, Around{}, err
	}
	if !q.scanned() {
		return auditPage(query.Where("id >= ? AND id < ?", low, high), q.Cursor, q.Limit)
	}
	return searchAudit(query, low, high, q.Cursor, q.Limit)
}

// AuditBetween lists entries that a query chooses, the oldest first: up to limit of those behind
// one id and not behind another. The query's cursor and limit do not count.
func (tx *Tx) AuditBetween(q AuditQuery, after, last int64, limit int) ([]models.AuditEntry, error) {
	query := tx.chosenAudit(q)
	if query == nil {
		return nil, nil
	}
	return all[models.AuditEntry](query.Where("id > ? AND id <= ?", after, last).Order("id").Limit(limit), "audit entry")
}

// chosenAudit is the entries that a query chooses, in no order; nil where it can be none.
func (tx *Tx) chosenAudit(q AuditQuery) *gorm.DB {
	query := tx.db()
	if !q.Everything {
		environments := q.Environments
		if q.Global {
			environments = append([]models.EnvironmentID{0}, environments...)
		}
		if len(environments) == 0 {
			return nil
		}
		query = query.Where("environment_id IN ?", environments)
	}
	query = tx.contains(narrowAudit(query, q), q.Search, "actor_name", "object_name", "action")
	return tx.contains(tx.contains(query, q.Actor, "actor_name"), q.Object, "object_name")
}

// AuditBounds are the IDs from low on and before high in which all entries of a time are.
func (tx *Tx) AuditBounds(since, until *time.Time) (low, high int64, err error) {
	low = 1
	if since != nil {
		if low, err = tx.auditFrom(*since); err != nil {
			return 0, 0, err
		}
	}
	if until != nil {
		high, err = tx.auditFrom(until.Add(2 * auditSlack))
		return low, high, err
	}
	newest, err := all[models.AuditEntry](tx.db().Select("id").Order("id DESC").Limit(1), "audit entry")
	if err == nil && len(newest) > 0 {
		high = newest[0].ID + 1
	}
	return low, high, err
}

// searchAudit is auditPage of what is found within auditStretch from a cursor on.
func searchAudit(query *gorm.DB, low, high int64, text string, limit int) (rows []models.AuditEntry, around Around, err error) {
	from, err := parseCursor(text, auditOrder)
	if err != nil {
		return nil, Around{}, err
	}
	at := high
	if from != nil {
		if at, err = from.number(); err != nil {
			return nil, Around{}, err
		}
		at = max(low, min(at, high))
	}
	bottom, top := max(low, at-auditStretch), high
	if from.back() {
		bottom, top = low, min(high, at+1+auditStretch)
	}
	rows, around, err = auditPage(query.Where("id >= ? AND id < ?", bottom, top), text, limit)
	if err != nil {
		return nil, Around{}, err
	}
	to := func(id int64, back bool) string {
		return cursor{Order: auditOrder, ID: strconv.FormatInt(id, 10), Back: back}.encode()
	}
	if from.back() {
		if around.Prev == "" && top < high {
			around.Prev = to(top-1, true)
		}
		if len(rows) == 0 {
			around.Next = to(at+1, false)
		}
		return rows, around, nil
	}
	if around.Next == "" && bottom > low {
		around.Next = to(bottom, false)
	}
	if len(rows) == 0 && from != nil {
		around.Prev = to(at-1, true)
	}
	return rows, around, nil
}

func narrowAudit(query *gorm.DB, q AuditQuery) *gorm.DB {
	equal := map[string]string{
		"actor_id": q.ActorID, "object_kind": q.ObjectKind, "object_id": q.ObjectID, "outcome": string(q.Outcome),
	}
	for column, value := range equal {
		if value != "" {
			query = query.Where(column+" = ?", value)
		}
	}
	switch {
	case strings.HasSuffix(q.Action, "."):
		query = query.Where("action >= ? AND action < ?", q.Action, strings.TrimSuffix(q.Action, ".")+"/") // "/" follows "."
	case q.Action != "":
		query = query.Where("action = ?", q.Action)
	}
	if q.Since != nil {
		query = query.Where("at >= ?", micro(*q.Since))
	}
	if q.Until != nil {
		query = query.Where("at < ?", micro(*q.Until))
	}
	return query
}

const auditOrder = "audit" // in cursors

func auditPage(query *gorm.DB, text string, limit int) ([]models.AuditEntry, Around, error) {
	return pageByNumber(query, auditOrder, "id", true, text, limit, "audit entry", func(e *models.AuditEntry) int64 { return e.ID })
}

// AuditOfSecret lists a secret's entries, the newest first, and the cursors of the pages around them.
func (tx *Tx) AuditOfSecret(id models.SecretID, text string, limit int) ([]models.AuditEntry, Around, error) {
	object := strconv.FormatInt(int64(id), 10)
	query := tx.db().Where("object_kind = ? AND object_id = ?", "secret", object)
	return auditPage(query, text, limit)
}

// AuditUnsequenced lists entries that have no place in the tree yet, the oldest first.
func (tx *Tx) AuditUnsequenced(limit int) ([]models.AuditEntry, error) {
	return all[models.AuditEntry](tx.db().Where("seq IS NULL").Order("id").Limit(limit), "audit entry")
}
