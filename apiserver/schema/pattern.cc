// SPDX-License-Identifier: Apache-2.0
// Patterns of schemas by RE2, the one library of the project that has no C interface: this file is
// that interface and nothing else. Schemas create, check and match them.
#include "config.h"

extern "C" {
#include "apiserver/schema/pattern.h"
}

#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

namespace {

// The largest pattern: 32,000 instructions, which is some 60 times the longest in use.
constexpr int64_t kCompileMemory = 2 << 20;
// What a compiled pattern may keep to match faster the next time. A schema may have thousands.
constexpr int64_t kKeptMemory = 64 << 10;

RE2::Options pattern_options(int64_t memory)
{
	RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(memory);
	return options;
}

// Where a class that begins at text[at] ends: behind its bracket.
size_t pattern_class_end(const std::string &text, size_t at)
{
	at += text.compare(at, 2, "[^") == 0 ? 2 : 1;
	at += at < text.size() && text[at] == ']' ? 1 : 0;
	while (at < text.size() && text[at] != ']') {
		at += text[at] == '\\' ? 2 : 1;
	}
	return std::min(at + 1, text.size());
}

// What Go and this RE2 spell differently: (?<name> is (?P<name> in older ones, and \C is none in Go.
// Returns false for the latter.
bool pattern_to_re2(const std::string &text, std::string *ret)
{
	size_t at = 0;

	while (at < text.size()) {
		size_t end = at + 1;

		if (text.compare(at, 2, "\\Q") == 0) {
			end = std::min(text.find("\\E", at), text.size());
		} else if (text[at] == '\\') {
			if (text.compare(at, 2, "\\C") == 0) {
				return false;
			}
			end = std::min(at + 2, text.size());
		} else if (text[at] == '[') {
			end = pattern_class_end(text, at);
		} else if (text.compare(at, 3, "(?<") == 0 && text.compare(at, 4, "(?<=") != 0 &&
			   text.compare(at, 4, "(?<!") != 0) {
			ret->append("(?P<");
			at += 3;
			continue;
		}
		ret->append(text, at, end - at);
		at = end;
	}
	return true;
}

// RE2's reasons in Go's words.
const char *pattern_reason(RE2::ErrorCode code)
{
	switch (code) {
	case RE2::ErrorBadEscape:
		return "invalid escape sequence";
	case RE2::ErrorBadCharClass:
		return "invalid character class";
	case RE2::ErrorBadCharRange:
		return "invalid character class range";
	case RE2::ErrorMissingBracket:
		return "missing closing ]";
	case RE2::ErrorMissingParen:
		return "missing closing )";
	case RE2::ErrorTrailingBackslash:
		return "trailing backslash at end of expression";
	case RE2::ErrorRepeatArgument:
		return "missing argument to repetition operator";
	case RE2::ErrorRepeatSize:
		return "invalid repeat count";
	case RE2::ErrorRepeatOp:
		return "invalid nested repetition operator";
	case RE2::ErrorBadPerlOp:
		return "invalid or unsupported Perl syntax";
	case RE2::ErrorBadUTF8:
		return "invalid UTF-8";
	case RE2::ErrorBadNamedCapture:
		return "invalid named capture";
	case RE2::ErrorPatternTooLarge:
		return "expression too large";
	default:
		return "internal error";
	}
}

} // namespace

struct pattern {
	std::string text;
	std::string re2;  // the same as RE2 reads it
	bool byte_escape; // it has \C
	mutable std::once_flag once;
	mutable std::unique_ptr<RE2> compiled; // empty: it is no expression
	mutable size_t cost;

	void compile() const
	{
		std::call_once(once, [this] {
			RE2 first(re2, pattern_options(kCompileMemory));

			if (byte_escape || !first.ok()) {
				return;
			}
			// The program takes 16 bytes an instruction, and a fourth of the memory at most.
			cost = static_cast<size_t>(first.ProgramSize()) + 1;
			compiled.reset(new RE2(
				re2, pattern_options(kKeptMemory +
						     64 * static_cast<int64_t>(cost + 64))));
			if (!compiled->ok()) {
				compiled.reset(new RE2(re2, pattern_options(kCompileMemory)));
			}
		});
	}
};

extern "C" struct pattern *pattern_create(const char *text, size_t length)
{
	struct pattern *pattern = new struct pattern;

	pattern->text.assign(text, length);
	pattern->byte_escape = !pattern_to_re2(pattern->text, &pattern->re2);
	pattern->cost = 0;
	return pattern;
}

extern "C" void pattern_destroy(struct pattern *pattern)
{
	delete pattern;
}

extern "C" size_t pattern_check(const struct pattern *pattern, char reason[PATTERN_REASON_MAX])
{
	RE2 compiled(pattern->re2, pattern_options(kCompileMemory));

	if (pattern->byte_escape) {
		snprintf(reason, PATTERN_REASON_MAX,
			 "error parsing regexp: invalid escape sequence: `\\C`");
		return 0;
	}
	if (!compiled.ok()) {
		const std::string &what = compiled.error_arg();

		snprintf(reason, PATTERN_REASON_MAX, "error parsing regexp: %s: `%.300s`",
			 what == ")" ? "unexpected )" : pattern_reason(compiled.error_code()),
			 what.c_str());
		return 0;
	}
	return static_cast<size_t>(compiled.ProgramSize()) + 1;
}

extern "C" size_t pattern_cost(const struct pattern *pattern)
{
	pattern->compile();
	return pattern->cost;
}

extern "C" bool pattern_matches(const struct pattern *pattern, const char *text, size_t length)
{
	pattern->compile();
	return pattern->compiled == nullptr ||
	       pattern->compiled->Match(re2::StringPiece(text, length), 0, length, RE2::UNANCHORED,
					nullptr, 0);
}
