package cli

import "maps"

func init() {
	maps.Copy(recorded, map[string]string{
		"PUT /domains/shop/associations/F111111111/version": "version-chosen",
		"POST /domains/shop/rollouts/r-1/pause":             "rollout-paused",
		"POST /domains/shop/rollouts/r-1/resume":            "rollout-resumed",
		"POST /domains/shop/rollouts/r-1/abort":             "rollout-aborted",
	})
	const version = "PUT /domains/shop/associations/F111111111/version"
	maps.Copy(commands, map[string]commandTest{
		"rollback":       {&RollbackCmd{Package: "synonyms", Domain: "shop"}, []string{version}, "version-chosen"},
		"rollback-v3":    {&RollbackCmd{Package: "synonyms", Domain: "shop", Version: "3"}, []string{version}, "version-chosen"},
		"pin":            {&PinCmd{Package: "synonyms", Domain: "shop", Version: "v1"}, []string{version}, "version-chosen"},
		"rollout-pause":  {&RolloutPauseCmd{rolloutArgs{"shop", "r-1"}}, []string{"POST /domains/shop/rollouts/r-1/pause"}, "rollout-paused"},
		"rollout-resume": {&RolloutResumeCmd{rolloutArgs{"shop", "r-1"}}, []string{"POST /domains/shop/rollouts/r-1/resume"}, "rollout-resumed"},
		"rollout-abort":  {&RolloutAbortCmd{rolloutArgs{"shop", "r-1"}}, []string{"POST /domains/shop/rollouts/r-1/abort"}, "rollout-aborted"},
	})
}
