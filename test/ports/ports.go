// Package ports finds ports for servers that tests start in processes of their own.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports from first to last are none that systems give to outgoing connections, or to who asks for
// any: between the choice and the server's start, only another test could take one.
const first, last = 12_000, 32_000

// Free is a port that nobody listens on now.
func Free() (int, error) {
	var errs []error
	for range 50 {
		port := first + rand.IntN(last-first)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}
