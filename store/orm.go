package store

import (
	"fmt"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// openORM makes a GORM handle of the dialect on a connection. GORM's own logger would print
// values; its transactions are not needed, since Tx has one.
func openORM(dialect string, conn gorm.ConnPool) (*gorm.DB, error) {
	var dialector gorm.Dialector
	switch dialect {
	case MySQL:
		dialector = mysql.New(mysql.Config{Conn: conn, DisableWithReturning: true}) // MySQL has no RETURNING, MariaDB has
	case Postgres:
		dialector = postgres.New(postgres.Config{Conn: conn})
	default:
		dialector = sqlite.New(sqlite.Config{DriverName: "sqlite", Conn: conn})
	}
	db, err := gorm.Open(dialector, &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing GORM: %w", err)
	}
	return db, nil
}
