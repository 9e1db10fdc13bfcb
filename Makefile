# What can be done here. Each target is a script in tools/; `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build build-player run run-relay test demo demo-player screenshots bench fuzz fmt lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: compiler, tools, npm packages (run and test do it too)
	@tools/setup

build: ## build the Worker into build/
	@tools/build-worker

build-player: ## build the package for web pages into web/player/dist
	@tools/build-player

run: ## serve the gateway and a relay host on 127.0.0.1 (PORT=8787 DATA=.livegate RELAY=yes)
	@tools/run

run-relay: ## run a relay host alone (RTMP=127.0.0.1:1935 HTTP=127.0.0.1:8936 DATA=.livegate-relay)
	@tools/run-relay

test: ## run every check and test (STAGES="lint unit" runs some)
	@tools/test $(STAGES)

demo: ## with the gateway running: send signed callbacks and show what arrives
	@tools/demo

demo-player: ## show name tags that lie on the people of a live stream, in a page (PORT=8940)
	@tools/demo-player

screenshots: ## take the pictures of docs/player anew
	@tools/demo-player --screenshots

bench: ## measure throughput and latency
	@tools/bench

fuzz: ## fuzz the core and RTMP (TARGET= one target, SECONDS_EACH=60)
	@tools/fuzz

fmt: ## format the code
	@cargo fmt --all

lint: ## check format and lints only
	@tools/test format lint

clean: ## remove what was built here; the toolchain folder and .livegate stay
	@rm -rf build target web/player/dist web/player/wasm
