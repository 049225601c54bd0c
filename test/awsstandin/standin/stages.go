package standin

type updateStageIn struct {
	SecretID            string `json:"SecretId"`
	VersionStage        string
	MoveToVersionID     string `json:"MoveToVersionId"`
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
}

func updateSecretVersionStage(_ *Server, c *call, in *updateStageIn) (*secretOut, error) {
	if err := checkLength("versionStage", len(in.VersionStage), 1, maxStageName); err != nil {
		return nil, err
	}
	s, err := c.region.secrets.changeLive(in.SecretID, c.now, func(s *secret) (bool, error) {
		if err := in.check(s); err != nil {
			return false, err
		}
		switch {
		case in.MoveToVersionID == "":
			delete(s.Stages, in.VersionStage)
		case in.VersionStage == stageCurrent:
			s.makeCurrent(in.MoveToVersionID)
		default:
			s.Stages[in.VersionStage] = in.MoveToVersionID
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return &secretOut{ARN: s.ARN, Name: s.Name}, nil
}

// check holds a move against the secret: a label is taken only from the version that the caller says has it, and
// AWSCURRENT is never taken away without being given to another.
func (in *updateStageIn) check(s *secret) error {
	holder := s.Stages[in.VersionStage]
	for _, id := range []string{in.MoveToVersionID, in.RemoveFromVersionID} {
		if id != "" && s.version(id) == nil {
			return noSuchVersion(id)
		}
	}
	switch {
	case in.MoveToVersionID == "" && in.RemoveFromVersionID == "":
		return refuse("InvalidParameterException", "You must provide either MoveToVersionId or RemoveFromVersionId.")
	case in.MoveToVersionID == "" && in.VersionStage == stageCurrent:
		return refuse("InvalidParameterException", "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	case in.RemoveFromVersionID != "" && in.RemoveFromVersionID != holder:
		return refuse("InvalidParameterException", "Staging label %s isn't attached to version %s.", in.VersionStage, in.RemoveFromVersionID)
	case holder != "" && holder != in.MoveToVersionID && in.RemoveFromVersionID == "":
		return refuse("InvalidParameterException", "The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", in.VersionStage, holder)
	case in.MoveToVersionID != "" && holder != in.MoveToVersionID && len(s.stagesOf(in.MoveToVersionID)) >= maxStages:
		return refuse("LimitExceededException", "You can't attach more than %d staging labels to a version.", maxStages)
	}
	return nil
}
