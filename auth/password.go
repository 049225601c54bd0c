package auth

import (
	"context"

	"github.com/alexedwards/argon2id"

	"github.com/your-org/keeper/auth/passwords"
	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

// hashParameters are OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
var hashParameters = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// MinPassword is the least length of a password in characters.
const MinPassword = passwords.MinLength

func hashPassword(password string) (string, error) {
	hash, err := argon2id.CreateHash(password, hashParameters)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "The password cannot be hashed.")
	}
	return hash, nil
}

// compare checks a password against a hash, a few at a time.
func (s *Service) compare(ctx context.Context, password, hash string) (match bool, err error) {
	err = s.hashed(ctx, func() error {
		if match, err = argon2id.ComparePasswordAndHash(password, hash); err != nil {
			return fault.Wrap(err, fault.Internal, "A stored password hash cannot be read.")
		}
		return nil
	})
	return match, err
}

// hashed does what needs a hash's memory when it is its turn.
func (s *Service) hashed(ctx context.Context, do func() error) error {
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// checkPassword says what is wrong with a new password of a user.
func checkPassword(u models.User, password string) error {
	if problem := passwords.Problem(password, u.Username, u.DisplayName, u.Email); problem != "" {
		return fault.InvalidField("password", "%s", problem)
	}
	return nil
}
