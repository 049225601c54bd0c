package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/your-org/keeper/fault"
)

// errorClass is what an error of any of the databases means to Keeper.
type errorClass int

const (
	classOther errorClass = iota
	classMissing
	classTaken
	classReferred // a foreign key: the parent is missing, or a child still stands
	classUnfit    // text that the database cannot keep: NUL, invalid UTF-8, too long
	classRetry    // deadlock, serialization failure
	classGone     // the database does not answer, or cannot write
)

// translate makes the fault of a database's error; noun names what it was about.
func translate(err error, noun string) error {
	if err == nil {
		return nil
	}
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		return err
	}
	switch classify(err) {
	case classMissing:
		return notFound(noun)
	case classTaken:
		return fault.Wrap(err, fault.Conflict, "There is already such a %s.", noun)
	case classReferred:
		return fault.Wrap(err, fault.Conflict, "The %s refers to something that is gone, or is still in use.", noun)
	case classUnfit:
		return fault.Wrap(err, fault.Invalid, "The %s cannot hold that text: it is too long, not valid UTF-8, or has a NUL in it.", noun)
	case classRetry:
		return fault.Wrap(err, fault.Unavailable, "The database was too busy to change the %s; nothing was changed.", noun).
			WithHint("Try again.")
	case classGone:
		return fault.Wrap(err, fault.Unavailable, "The database does not answer.").WithHint("Try again in a moment.")
	default:
		return fault.Wrap(err, fault.Internal, "The database refused the %s.", noun)
	}
}

func classify(err error) errorClass {
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, sql.ErrNoRows):
		return classMissing
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, sql.ErrTxDone),
		errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return classGone
	}
	var onSQLite *sqlite.Error
	if errors.As(err, &onSQLite) {
		return classifySQLite(onSQLite.Code())
	}
	var onMySQL *mysql.MySQLError
	if errors.As(err, &onMySQL) {
		return classifyMySQL(onMySQL.Number)
	}
	var onPostgres *pgconn.PgError
	if errors.As(err, &onPostgres) {
		return classifyPostgres(onPostgres.Code)
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	if errors.As(err, &network) || errors.As(err, &connecting) {
		return classGone
	}
	return classOther
}

// told passes an error on. One that is of no class is logged the first time by its code, and
// by nothing else: what the database says may quote values.
func (s *Store) told(err error) error {
	if err == nil || classify(err) != classOther {
		return err
	}
	if code := codeOf(err); code != "" {
		if _, before := s.unknown.LoadOrStore(code, true); !before {
			s.log.Error("The database gave an error that Keeper does not know.", "code", code)
		}
	}
	return err
}

// codeOf names a database's error; "" is none of theirs.
func codeOf(err error) string {
	var onSQLite *sqlite.Error
	var onMySQL *mysql.MySQLError
	var onPostgres *pgconn.PgError
	switch {
	case errors.As(err, &onSQLite):
		return "SQLite " + strconv.Itoa(onSQLite.Code())
	case errors.As(err, &onMySQL):
		return fmt.Sprintf("MySQL %d, SQLSTATE %s", onMySQL.Number, onMySQL.SQLState[:])
	case errors.As(err, &onPostgres):
		return "PostgreSQL, SQLSTATE " + onPostgres.Code
	}
	for _, own := range []error{mysql.ErrBusyBuffer, mysql.ErrMalformPkt, mysql.ErrPktSync, mysql.ErrPktSyncMul, mysql.ErrPktTooLarge} {
		if errors.Is(err, own) {
			return "MySQL's driver: " + own.Error()
		}
	}
	return ""
}

func classifySQLite(code int) errorClass {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return classTaken
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return classReferred
	}
	switch code & 0xff { // the primary code
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return classGone
	}
	return classOther
}

// The numbers are in the reference of MySQL's server errors.
func classifyMySQL(number uint16) errorClass {
	switch number {
	case 1062: // ER_DUP_ENTRY
		return classTaken
	case 1451, 1452: // ER_ROW_IS_REFERENCED_2, ER_NO_REFERENCED_ROW_2
		return classReferred
	case 1300, 1366, 1406: // ER_INVALID_CHARACTER_STRING, ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_DATA_TOO_LONG
		return classUnfit
	case 1020, 1205, 1213, 1412, 1467: // ER_CHECKREAD, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_TABLE_DEF_CHANGED, ER_AUTOINC_READ_FAILED
		return classRetry
	case 1040, 1044, 1045, 1049, 1053, 1129, 1203, 1290, 1836, 1927, 2006, 2013: // connections, shutdown, access, read-only
		return classGone
	}
	return classOther
}

// The codes are in PostgreSQL's appendix A; the first two characters are the class.
func classifyPostgres(code string) errorClass {
	switch code {
	case "23505":
		return classTaken
	case "23503", "23001":
		return classReferred
	case "22001", "22021", "22P05":
		return classUnfit
	case "40001", "40P01", "55P03":
		return classRetry
	case "25006": // read only: a replica
		return classGone
	}
	switch code[:min(2, len(code))] {
	case "08", "28", "3D", "53", "57", "58": // connection, authorization, no database, resources, operator, system
		return classGone
	}
	return classOther
}
