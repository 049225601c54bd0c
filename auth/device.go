package auth

import (
	"context"
	"crypto/hmac"
	"strconv"
	"strings"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
	"github.com/your-org/keeper/store"
)

const (
	// DeviceLasts is how long a browser counts as one that its person signed in with.
	DeviceLasts = 90 * 24 * time.Hour
	mostDevice  = 200 // bytes of what a browser says of itself
)

// device is a browser that a person signed in with before. Its tries are counted for itself,
// so that nobody who is in the same network, or knows the password, uses up those of the
// account's owner. It opens nothing. See OWASP's device cookies.
type device struct {
	user models.User
	key  string // by which its tries are counted
}

// newDevice is what a browser keeps of a full sign-in. It holds until the password or the
// authenticator app changes: whoever had the account before could have gathered many.
func (s *Service) newDevice(u models.User) string {
	nonce, ends := random(12), strconv.FormatInt(s.now().Add(DeviceLasts).Unix(), 36)
	return strings.Join([]string{string(u.ID), nonce, ends, s.deviceMark(u, nonce, ends)}, ".")
}

func (s *Service) deviceMark(u models.User, nonce, ends string) string {
	return s.digest(strings.Join([]string{"device", nonce, ends, string(u.ID), u.PasswordHash, string(u.TOTPSecret)}, "\x00"))
}

// device is the one that a browser says it is; the zero one where it is none.
func (s *Service) device(ctx context.Context, said string) (device, error) {
	parts := strings.Split(said, ".")
	if len(said) > mostDevice || len(parts) != 4 {
		return device{}, nil
	}
	ends, err := strconv.ParseInt(parts[2], 36, 64)
	if err != nil || s.now().Unix() >= ends {
		return device{}, nil
	}
	var u models.User
	err = s.store.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = tx.User(models.UserID(cut(parts[0], 40)))
		return err
	})
	if err != nil && !fault.Is(err, fault.NotFound) {
		return device{}, err
	}
	if err != nil || string(u.ID) != parts[0] || !hmac.Equal([]byte(parts[3]), []byte(s.deviceMark(u, parts[1], parts[2]))) {
		return device{}, nil
	}
	return device{u, "device\x00" + string(u.ID) + "\x00" + parts[1]}, nil
}

// NewDevice is what the actor's browser keeps instead of what it had: with another password
// that holds no more.
func (s *Service) NewDevice(ctx context.Context, actor models.Actor) (string, error) {
	if err := ownSessions(actor); err != nil {
		return "", err
	}
	u, err := s.User(ctx, actor)
	if err != nil {
		return "", err
	}
	return s.newDevice(u), nil
}
