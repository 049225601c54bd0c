package migrations

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// name is text that is looked up, compared or sorted: byte for byte on all databases. Its
// tag must give a size. (On MySQL the table's collation does it.)
type name string

// GormDBDataType gives the column type per database.
func (name) GormDBDataType(db *gorm.DB, field *schema.Field) string {
	switch db.Name() {
	case "postgres":
		return fmt.Sprintf(`varchar(%d) COLLATE "C"`, field.Size)
	case "mysql":
		return fmt.Sprintf("varchar(%d)", field.Size)
	default:
		return "text"
	}
}

// prose is text for people: never a key. Without a size up to 64 KiB, with one from 64 KiB
// on up to 16 MiB.
type prose string

// GormDBDataType gives the column type per database.
func (prose) GormDBDataType(db *gorm.DB, field *schema.Field) string {
	if db.Name() == "mysql" && field.Size >= 1<<16 {
		return "mediumtext"
	}
	return "text"
}

// journalID numbers rows that are only ever added. On SQLite it does without AUTOINCREMENT,
// which would write a second table on every insert to keep numbers of deleted rows unused.
type journalID int64

// GormDBDataType gives the column type per database.
func (journalID) GormDBDataType(db *gorm.DB, _ *schema.Field) string {
	switch db.Name() {
	case "postgres":
		return "bigserial"
	case "mysql":
		return "bigint AUTO_INCREMENT"
	default:
		return "integer"
	}
}

// recipientID names a recipient: the ARN of a key, or an age recipient. It is part of keys,
// which MySQL bounds by 3,072 bytes and counts four for each character that is not ASCII.
type recipientID string

// GormDBDataType gives the column type per database.
func (recipientID) GormDBDataType(db *gorm.DB, _ *schema.Field) string {
	return recipientIDType(db.Name())
}

func recipientIDType(dialect string) string {
	switch dialect {
	case "postgres":
		return `varchar(2048) COLLATE "C"`
	case "mysql":
		return "varchar(2048) CHARACTER SET ascii COLLATE ascii_bin"
	default:
		return "text"
	}
}
