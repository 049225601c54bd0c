package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/your-org/keeper/fault"
)

// openPostgres connects to PostgreSQL 13 or later. pgx keeps statements prepared per
// connection by itself.
func (s *Store) openPostgres(ctx context.Context) error {
	config, err := pgx.ParseConfig(s.postgresSource())
	if err != nil {
		// pgx's own text may quote the password.
		return fault.New(fault.Invalid, "The settings of the PostgreSQL connection are not valid.").
			WithHint("Check the host, the port and the parameters of the database URL.")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["application_name"] = "keeper"
	pool := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}))
	return s.openShared(ctx, pool)
}

// postgresSource is a connection string that names everything, so that no PGHOST and the
// like of the environment fills a gap.
func (s *Store) postgresSource() string {
	settings := map[string]string{
		"host": s.options.Host, "port": strconv.Itoa(s.port(5432)),
		"user": s.options.User, "password": s.options.Password, "dbname": s.options.Name,
	}
	for key, value := range s.options.Params {
		settings[key] = value
	}
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s='%s' ", key, escape.Replace(settings[key]))
	}
	return b.String()
}
