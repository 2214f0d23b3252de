# What the portal's people type. The work is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run test demo bench faults admin staff clean-data fmt

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, and start the portal at http://localhost:3000
	@exec scripts/run

test: ## install what is missing, and run every test
	@exec scripts/test

demo: ## fill a running portal with two organizations
	@exec scripts/demo

bench: ## measure the licence API: make bench ARGS="--only crowd"
	@exec scripts/bench $(ARGS)

faults: ## break a portal while devices use it, and check what they saw: make faults ARGS="--seconds 60 --seed 1"
	@exec scripts/faults $(ARGS)

admin: ## administer a running portal: make admin ARGS="set-seats --tenant SLUG --seats N"
	@exec scripts/portal admin $(ARGS)

staff: ## create the first staff member of a running portal: make staff EMAIL=you@example.com
	@exec scripts/staff

clean-data: ## remove all data of this folder's portal
	@exec scripts/clean-data

fmt: ## format the code
	@exec cargo fmt --all
