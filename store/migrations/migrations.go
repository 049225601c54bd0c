// Package migrations brings a database to the schema that this program needs. Each
// migration makes one change, since MySQL commits at every DDL statement, and works on
// structs of its own that never change again.
package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"gorm.io/gorm"
)

// Opener makes a GORM handle of the right dialect on a connection.
type Opener func(gorm.ConnPool) (*gorm.DB, error)

// changes lists the migrations; the place in the list is the migration's number. Only ever
// append.
var changes = []change{
	creates(&environment{}),
	creates(&user{}),
	creates(&membership{}),
	creates(&session{}),
	creates(&token{}),
	creates(&dataKey{}),
	creates(&wrappedKey{}),
	creates(&secret{}),
	creates(&secretVersion{}),
	creates(&secretTag{}),
	creates(&destination{}),
	creates(&syncState{}),
	creates(&syncRun{}),
	creates(&syncResult{}),
	creates(&auditEntry{}),
	creates(&job{}),
	creates(&setting{}),

	adds(&environmentGeneration{}, "KeyGeneration"),
	adds(&dataKeyCheck{}, "KeyCheck"),
	widensRecipientID("wrapped_keys"),
	indexes("wrapped_keys_recipient", "wrapped_keys", "recipient_id, data_key_id"),
	indexes("data_keys_environment", "data_keys", "environment_id, id"),
	indexes("secrets_environment", "secrets", "environment_id, id"),
	indexes("destinations_credentials_key", "destinations", "credentials_key_id"),
	creates(&recipient{}),
	creates(&keyDrill{}),
	creates(&keyRun{}),
	creates(&keyFinding{}),
	indexes("data_keys_newest", "data_keys", "environment_id, purpose, created_at, id"),

	adds(&runDecisions{}, "Taken"),
	adds(&runDecisions{}, "Held"),
	adds(&runDecisions{}, "PlanID"),
	creates(&plan{}),
	creates(&planItem{}),
	creates(&syncHold{}),

	creates(&alertChannel{}),
	creates(&alert{}),
	creates(&alertNotice{}),

	creates(&syncReceipt{}),

	adds(&runProgress{}, "Done"),
	adds(&runProgress{}, "Total"),
	adds(&runProgress{}, "Writes"),
	adds(&runProgress{}, "Seconds"),
	adds(&runProgress{}, "RetryOf"),

	creates(&syncGroup{}),
	creates(&syncGroupHold{}),
	adds(&memberState{}, "GroupID"),
	indexes("sync_states_group", "sync_states", "group_id"),

	creates(&syncImport{}),
	creates(&syncImportItem{}),

	adds(&versionEntry{}, "EntryHash"),
	creates(&syncDeletion{}),

	adds(&resultFound{}, "Found"),

	adds(&resultLost{}, "Lost"),
	creates(&syncRelease{}),
	indexesNames("sync_states_name", "sync_states", "destination_id", "remote_name"),
	indexes("sync_deletions_secret", "sync_deletions", "destination_id, secret_id"),
	adds(&userSignIn{}, "Kind"),
	adds(&userSignIn{}, "Email"),
	adds(&userSignIn{}, "Description"),
	adds(&userSignIn{}, "BreakGlass"),
	adds(&userSignIn{}, "TOTPSecret"),
	adds(&userSignIn{}, "TOTPConfirmedAt"),
	adds(&userSignIn{}, "TOTPLastStep"),
	adds(&userSignIn{}, "RightsGeneration"),
	adds(&userSignIn{}, "Revision"),
	adds(&sessionSignIn{}, "Method"),
	adds(&sessionSignIn{}, "ProviderID"),
	adds(&sessionSignIn{}, "NameID"),
	adds(&sessionSignIn{}, "SessionIndex"),
	adds(&sessionSignIn{}, "RightsGeneration"),
	adds(&sessionSignIn{}, "ProvenAt"),
	adds(&tokenOrigin{}, "CreatedBy"),
	adds(&tokenOrigin{}, "MadeBy"),
	adds(&tokenOrigin{}, "Replaces"),
	adds(&tokenOrigin{}, "LastUsedBy"),
	adds(&environmentProtected{}, "Protected"),
	creates(&signInStep{}),
	creates(&passkey{}),
	creates(&recoveryCode{}),
	creates(&attempt{}),
	creates(&provider{}),
	creates(&identity{}),
	creates(&group{}),
	creates(&groupMember{}),
	creates(&groupRole{}),
	creates(&samlRequest{}),
	creates(&samlAssertion{}),

	indexes("tokens_made_by", "tokens", "made_by"),
	indexes("tokens_replaces", "tokens", "replaces"),
	adds(&sessionReplaced{}, "ReplacedBy"),

	adds(&samlRequestPurpose{}, "Kind"),
	adds(&samlRequestPurpose{}, "Purpose"),
	adds(&sessionNameIDFormat{}, "NameIDFormat"),
	adds(&groupMemberEnd{}, "EndsAt"),
	adds(&providerTested{}, "TestedAt"),
	indexes("sessions_provider", "sessions", "provider_id"),
	adds(&userPasswordEnd{}, "PasswordExpiresAt"),
	endsOneTimePasswords(),

	creates(&dailyFigure{}),
	indexes("sync_runs_finished", "sync_runs", "finished_at"),

	indexes("secrets_changed", "secrets", "environment_id, value_changed_at, id"),

	indexes("sync_states_standing", "sync_states", "destination_id, status, attempts"),
	indexes("secrets_standing", "secrets", "environment_id, deleted_at, expires_at"),

	indexes("secrets_type", "secrets", "environment_id, type, id, deleted_at"),
	indexes("secrets_created", "secrets", "environment_id, created_at, id"),
	indexes("secrets_updated", "secrets", "environment_id, updated_at, id"),
	indexes("secrets_expiry", "secrets", "environment_id, expires_at, id"),
	indexes("secrets_rotation", "secrets", "environment_id, rotate_every, value_changed_at"),

	creates(&textChange{}),

	indexes("secrets_value_changed", "secrets", "environment_id, value_changed_at, id, deleted_at"),
	dropsIndex("secrets_changed", "secrets"),
	dropsIndex("secrets_expiry", "secrets"),
	dropsIndex("secrets_expires", "secrets"),

	creates(&quotaUser{}),

	adds(&receiptScope{}, "Whole"),
	indexes("sync_receipts_whole", "sync_receipts", "destination_id, whole, created_at, run_id"),

	creates(&idempotencyKey{}),
}

// VersionTable is where goose keeps which migrations ran.
const VersionTable = "goose_db_version"

// LockTable is where goose keeps its lock on MySQL.
const LockTable = "goose_lock"

// Provider prepares the migrations for a database of a dialect ("sqlite", "mysql",
// "postgres"). Two processes that migrate at once wait for each other on MySQL and
// PostgreSQL; SQLite's caller sees to that.
func Provider(db *sql.DB, dialect string, open Opener, log *slog.Logger) (*goose.Provider, error) {
	options := []goose.ProviderOption{
		goose.WithDisableGlobalRegistry(true),
		goose.WithTableName(VersionTable),
		goose.WithGoMigrations(all(open)...),
		goose.WithSlog(log),
	}
	kind := goose.DialectSQLite3
	switch dialect {
	case "mysql":
		kind = goose.DialectMySQL
		locker, err := lock.NewMySQLTableLocker(lock.WithTableName(LockTable), lock.WithTableLockTimeout(time.Second, 120))
		if err != nil {
			return nil, fmt.Errorf("preparing the migration lock: %w", err)
		}
		options = append(options, goose.WithLocker(locker))
	case "postgres":
		kind = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return nil, fmt.Errorf("preparing the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(kind, db, nil, options...)
	if err != nil {
		return nil, fmt.Errorf("preparing the migrations: %w", err)
	}
	return provider, nil
}

// Tables names every table that the migrations made, the youngest first, so that dropping
// them in this order breaks no foreign key.
func Tables() []string {
	names := []string{VersionTable, LockTable}
	for _, change := range slices.Backward(changes) {
		if change.table != "" {
			names = append(names, change.table)
		}
	}
	return names
}

func all(open Opener) []*goose.Migration {
	list := make([]*goose.Migration, len(changes))
	for i, change := range changes {
		list[i] = goose.NewGoMigration(int64(i+1), &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			db, err := open(tx)
			if err != nil {
				return err
			}
			return change.run(db.WithContext(ctx))
		}}, nil)
	}
	return list
}
