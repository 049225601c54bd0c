package migrations

import (
	"fmt"

	"gorm.io/gorm"
)

// change is one migration. It does nothing where its work is done already: on MySQL a
// process can die between the DDL, which commits itself, and the row that says that it ran.
type change struct {
	table string // that it creates; "": none
	run   func(*gorm.DB) error
}

// creates makes a table.
func creates(table interface{ TableName() string }) change {
	return change{table: table.TableName(), run: func(db *gorm.DB) error {
		if db.Name() == "mysql" {
			db = db.Set("gorm:table_options", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
		}
		if db.Migrator().HasTable(table) {
			return nil
		}
		return db.Migrator().CreateTable(table)
	}}
}

// adds gives a table that stands the one column that is a field of row. A column that must
// not be NULL needs a default, which rows of before get.
func adds(row any, field string) change {
	return change{run: func(db *gorm.DB) error {
		if db.Migrator().HasColumn(row, field) {
			return nil
		}
		return db.Migrator().AddColumn(row, field)
	}}
}

// indexes gives a table that stands an index on columns.
func indexes(index, table, columns string) change {
	return change{run: func(db *gorm.DB) error {
		if db.Migrator().HasIndex(table, index) {
			return nil
		}
		return db.Exec(fmt.Sprintf("CREATE INDEX %s ON %s (%s)", index, table, columns)).Error
	}}
}

// dropsIndex takes an index away that another took the place of.
func dropsIndex(index, table string) change {
	return change{run: func(db *gorm.DB) error {
		if !db.Migrator().HasIndex(table, index) {
			return nil
		}
		return db.Migrator().DropIndex(table, index)
	}}
}

// indexesNames gives a table that stands an index on a column and names behind it that are
// longer than MySQL indexes: there it is on how they begin.
func indexesNames(index, table, column, names string) change {
	return change{run: func(db *gorm.DB) error {
		columns := column + ", " + names
		if db.Name() == "mysql" {
			columns += "(255)"
		}
		return indexes(index, table, columns).run(db)
	}}
}

// widensRecipientID makes room for age's post-quantum recipients of 1,959 characters in a
// table whose column was made for the ARNs of keys.
func widensRecipientID(table string) change {
	return change{run: func(db *gorm.DB) error {
		switch db.Name() {
		case "mysql":
			return db.Exec(fmt.Sprintf("ALTER TABLE %s MODIFY recipient_id %s NOT NULL", table, recipientIDType("mysql"))).Error
		case "postgres":
			return db.Exec(fmt.Sprintf("ALTER TABLE %s ALTER COLUMN recipient_id TYPE %s", table, recipientIDType("postgres"))).Error
		default:
			return nil // text has no limit
		}
	}}
}
