package store

import (
	"context"
	"database/sql"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/your-org/keeper/fault"
)

// openMySQL connects to MySQL 8 or MariaDB 10.6 and later.
func (s *Store) openMySQL(ctx context.Context) error {
	config := mysql.NewConfig()
	for key, value := range s.options.Params {
		if err := mysqlParam(config, key, value); err != nil {
			return err
		}
	}
	config.User, config.Passwd, config.DBName = s.options.User, s.options.Password, s.options.Name
	config.Net, config.Addr = "tcp", net.JoinHostPort(s.options.Host, strconv.Itoa(s.port(3306)))
	if strings.HasPrefix(s.options.Host, "/") {
		config.Net, config.Addr = "unix", s.options.Host
	}
	config.ParseTime, config.Loc = true, time.UTC
	config.ClientFoundRows = true   // an update that changes nothing still found its row
	config.InterpolateParams = true // one round trip; safe with utf8mb4
	config.Collation = "utf8mb4_bin"
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	config.Params["time_zone"] = "'+00:00'"
	config.Params["sql_mode"] = "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The settings of the MySQL connection are not valid.")
	}
	return s.openShared(ctx, sql.OpenDB(connector))
}

// mysqlParam sets one parameter the way a DSN would.
func mysqlParam(config *mysql.Config, key, value string) error {
	one, err := mysql.ParseDSN("/?" + key + "=" + value)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The MySQL parameter %q is not valid.", key)
	}
	switch key {
	case "tls":
		config.TLSConfig = one.TLSConfig
	case "timeout":
		config.Timeout = one.Timeout
	case "readTimeout":
		config.ReadTimeout = one.ReadTimeout
	case "writeTimeout":
		config.WriteTimeout = one.WriteTimeout
	case "maxAllowedPacket":
		config.MaxAllowedPacket = one.MaxAllowedPacket
	case "charset": // always utf8mb4
	default:
		return fault.New(fault.Invalid, "The MySQL parameter %q is not known.", key).
			WithHint("Known are tls, timeout, readTimeout, writeTimeout and maxAllowedPacket.")
	}
	return nil
}
