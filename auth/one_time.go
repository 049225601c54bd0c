package auth

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// OneTimeLasts is how long a one-time password opens its account. It lies where it was handed
// over (a mail, a chat, the log of the first start), and whoever finds it there later finds
// nothing of use.
const OneTimeLasts = 72 * time.Hour

// ReasonOneTimeEnded is why a sign-in with the right one-time password was refused.
const ReasonOneTimeEnded = "one_time_password_ended"

// errOneTimeEnded is told to those alone who know the password, or are signed in.
var errOneTimeEnded = fault.New(fault.Unauthenticated, "This one-time password has ended: it had to be changed within 72 hours.").
	WithHint("Ask an administrator for a new one; on the server's own machine: keeper users reset-password NAME.")

// oneTimePassword gives a user a password that it has to change before it ends.
func (s *Service) oneTimePassword(ctx context.Context, u *models.User) (string, error) {
	password := rand.Text()
	err := s.hashed(ctx, func() (err error) {
		u.PasswordHash, err = hashPassword(password)
		return err
	})
	ends := s.now().Add(OneTimeLasts)
	u.MustChangePassword, u.PasswordExpiresAt = true, &ends
	return password, err
}

func (s *Service) oneTimeEnded(u models.User) bool {
	return u.PasswordExpiresAt != nil && !s.now().Before(*u.PasswordExpiresAt)
}

// mayUsePassword reports whether an account may sign in with what Keeper itself knows of it.
func (s *Service) mayUsePassword(u models.User) bool {
	return u.Kind != models.UserService && u.PasswordHash != "" && (!s.deps.LocalSignInOff || u.BreakGlass)
}

// passwordServes says why an account's password, that was right, does not let its person in.
func (s *Service) passwordServes(u models.User) error {
	switch {
	case !s.mayUsePassword(u):
		return badCredentials()
	case s.oneTimeEnded(u):
		return errOneTimeEnded
	}
	return nil
}
