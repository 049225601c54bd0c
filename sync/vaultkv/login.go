package vaultkv

import (
	"cmp"
	"io"
	"os"
	"strings"

	"github.com/your-org/keeper/fault"
	"github.com/your-org/keeper/models"
)

const maxTokenFile = 64 << 10 // bytes

// login is how to sign in: with an AppRole, or as a role with a JSON web token, given or of
// the Kubernetes service account that the process runs as.
type login struct {
	mount            string // empty: the method's usual one
	roleID, secretID models.Plaintext
	role             string
	jwt              models.Plaintext
	jwtFile          string // read at each login, since Kubernetes replaces it every hour or so
}

func (l login) none() bool    { return !l.appRole() && l.jwt.Len() == 0 && l.jwtFile == "" }
func (l login) appRole() bool { return l.roleID.Len() > 0 }

func (l login) path() string {
	usual := "kubernetes"
	switch {
	case l.appRole():
		usual = "approle"
	case l.jwt.Len() > 0:
		usual = "jwt"
	}
	return "auth/" + cmp.Or(strings.Trim(l.mount, "/"), usual) + "/login"
}

func (l login) body() (map[string]string, error) {
	switch {
	case l.appRole():
		return map[string]string{"role_id": string(l.roleID.Reveal()), "secret_id": string(l.secretID.Reveal())}, nil
	case l.jwt.Len() > 0:
		return map[string]string{"role": l.role, "jwt": string(l.jwt.Reveal())}, nil
	}
	token, err := readToken(l.jwtFile)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "Keeper cannot read the service account's token in %s to sign in to Vault.", l.jwtFile).
			WithHint("Run Keeper in Kubernetes with a service account's token mounted, or name its file in KEEPER_KUBERNETES_TOKEN_FILE.")
	}
	return map[string]string{"role": l.role, "jwt": token}, nil
}

func readToken(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile))
	if err == nil && len(strings.TrimSpace(string(text))) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSpace(string(text)), err
}

// refused explains that Vault did not let Keeper in.
func (l login) refused() error {
	switch {
	case l.appRole():
		return fault.New(fault.Forbidden, "Vault does not accept the AppRole's role id and secret id.").
			WithHint("Make a new secret id for the role, and check the namespace and that the role may sign in from here.")
	case l.jwt.Len() > 0:
		return fault.New(fault.Forbidden, "Vault does not accept the JSON web token for the role %s at %s.", l.role, l.path()).
			WithHint("Check that the token has not ended, its audience and subject, the role, and where the method is mounted.")
	}
	return fault.New(fault.Forbidden, "Vault does not accept Keeper's Kubernetes service account for the role %s at %s.", l.role, l.path()).
		WithHint("Check the service account and namespace that the role is bound to, its audience, and where the method is mounted.")
}
