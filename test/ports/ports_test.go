package ports

import (
	"fmt"
	"net"
	"testing"
)

func TestFree(t *testing.T) {
	seen := map[int]bool{}
	for range 100 {
		port, err := Free()
		if err != nil || port < first || port >= last {
			t.Fatalf("port %d, %v", port, err)
		}
		seen[port] = true
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
	}
	if len(seen) != 100 {
		t.Errorf("%d ports of 100 were free", len(seen))
	}
}
