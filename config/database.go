package config

import (
	"net/url"
	"strconv"
	"strings"
)

// Database is DATABASE_URL, taken apart.
type Database struct {
	Dialect     string // sqlite, mysql or postgres
	Path        string // sqlite: the file
	Host        string
	Port        int
	User        string
	Password    Secret
	Name        string
	Params      map[string]string // what the driver gets besides: sslmode, tls, …
	PoolSize    int               // connections kept; 0: the store's default
	MaxOverflow int               // connections above PoolSize under load
}

// String names the database without its password.
func (d Database) String() string {
	if d.Dialect == "sqlite" {
		return "sqlite " + d.Path
	}
	return d.Dialect + " " + d.Host + ":" + strconv.Itoa(d.Port) + "/" + d.Name
}

// UnmarshalText reads the URL forms of SQLAlchemy, which earlier versions of Keeper used:
// sqlite:///relative.db, sqlite:////absolute.db, mysql://, mysql+pymysql://, postgres://,
// postgresql:// and postgresql+psycopg2://, with pool_size and max_overflow in the query.
func (d *Database) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil {
		return settingError("is not a URL; its form is mysql://user:password@host:3306/keeper, with special characters of the password percent-encoded")
	}
	*d = Database{Params: map[string]string{}}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	switch scheme {
	case "sqlite":
		d.Dialect, d.Path = "sqlite", strings.TrimPrefix(u.Path, "/")
		if u.Host != "" || d.Path == "" {
			return settingError("for SQLite is sqlite:///file.db, or sqlite:////full/path/file.db")
		}
	case "mysql", "mariadb":
		d.Dialect, d.Port = "mysql", 3306
	case "postgres", "postgresql":
		d.Dialect, d.Port = "postgres", 5432
	default:
		return settingError("must begin with sqlite:///, mysql://, mysql+pymysql:// or postgres://")
	}
	if err := d.query(u.Query()); err != nil {
		return err
	}
	if d.Dialect == "sqlite" {
		return nil
	}
	return d.server(u)
}

func (d *Database) server(u *url.URL) error {
	d.Host, d.User, d.Name = u.Hostname(), u.User.Username(), strings.TrimPrefix(u.Path, "/")
	password, _ := u.User.Password()
	d.Password = NewSecret(password)
	if u.Port() != "" {
		d.Port, _ = strconv.Atoi(u.Port()) // url.Parse has checked that it is a number
	}
	if d.Host == "" || d.Name == "" || d.User == "" {
		return settingError("must name user, host and database: mysql://user:password@host:3306/keeper")
	}
	return nil
}

func (d *Database) query(values url.Values) error {
	for name := range values {
		value := values.Get(name)
		switch name {
		case "pool_size", "max_overflow":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > 10_000 {
				return settingError(name + " must be a whole number up to 10000")
			}
			if name == "pool_size" {
				d.PoolSize = n
			} else {
				d.MaxOverflow = n
			}
		default:
			d.Params[name] = value
		}
	}
	return nil
}
