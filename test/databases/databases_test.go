package databases

import (
	"context"
	"testing"
)

func TestFresh(t *testing.T) {
	for name, server := range map[string]*server{"MariaDB": mariaDB, "Postgres": postgres} {
		t.Run(name, func(t *testing.T) {
			one, two := fresh(t, server), fresh(t, server)
			if one.Name == two.Name || one.Port != two.Port {
				t.Fatalf("got %+v and %+v, want two databases of one server", one, two)
			}
			var answer int
			pool := server.kind.connect(one)
			defer func() { _ = pool.Close() }()
			if err := pool.QueryRowContext(context.Background(), "SELECT 40 + 2").Scan(&answer); err != nil || answer != 42 {
				t.Fatalf("got %d, %v", answer, err)
			}
		})
	}
}
