// The Jinja of chat templates against Jinja itself, and against templates that mean harm.
#include <ctime>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/text/chat_template.h"

namespace tunewright::text {
namespace {

std::string render(std::string_view source, const Json& variables = Json::object(),
                   TemplateLimits limits = {}) {
  return ChatTemplate::parse(source, "template", variables, limits)
      .render(Json::array(), nullptr)
      .text;
}

TEST(Jinja, PrintsWhatJinjaPrints) {
  const Json golden = read_json(testing::source_path("tests/golden/jinja.json"));
  size_t printed = 0, refused = 0;
  for (const Json& example : golden["cases"]) {
    const auto source = example["template"].get<std::string>();
    const std::string name = str(example["group"].get<std::string>(), ": ", source);
    try {
      const std::string text = render(source, golden["variables"]);
      if (example.contains("raises")) {
        ADD_FAILURE() << name << "\nshould fail with: " << example["message"]
                      << "\nbut prints: " << text;
      } else {
        EXPECT_EQ(text, example["output"].get<std::string>()) << name;
      }
      ++printed;
    } catch (const UserError& error) {
      EXPECT_TRUE(example.contains("raises")) << name << "\nfails with: " << error.what();
      ++refused;
    }
  }
  EXPECT_GT(printed, 400u);
  EXPECT_GT(refused, 150u);
}

// Whoever knows Jinja finds its words again where a template uses what is not there.
TEST(Jinja, ErrorsOfUndefinedValuesSayWhatJinjaSays) {
  const Json golden = read_json(testing::source_path("tests/golden/jinja.json"));
  size_t compared = 0;
  for (const Json& example : golden["cases"]) {
    if (example.value("raises", "") != "UndefinedError" &&
        example.value("raises", "") != "TemplateError")
      continue;
    const auto source = example["template"].get<std::string>();
    try {
      render(source, golden["variables"]);
    } catch (const TemplateError& error) {
      EXPECT_EQ(error.words(), example["message"].get<std::string>()) << source;
      ++compared;
    }
  }
  EXPECT_GT(compared, 20u);
}

TEST(Jinja, SyntaxErrorsNameTheLine) {
  const auto parse = [](std::string_view source) {
    ChatTemplate::parse(source, "chat_template.jinja");
  };
  EXPECT_USER_ERROR(parse("a\nb\n{{ 1 + }}"), "chat_template.jinja: line 3: ");
  EXPECT_USER_ERROR(parse("{% if x %}\n"), "Unexpected end of template");
  EXPECT_USER_ERROR(parse("\n{% nope %}"), "line 2: Encountered unknown tag 'nope'");
  EXPECT_USER_ERROR(parse("{{ x | nope }}"), "No filter named 'nope'");
  EXPECT_USER_ERROR(parse("{{ x is nope }}"), "No test named 'nope'");
  EXPECT_USER_ERROR(parse("{{ x"), "line 1: ");
  EXPECT_USER_ERROR(parse("{% include 'x' %}"), "include");
}

TEST(Jinja, RunningErrorsNameTheLine) {
  EXPECT_USER_ERROR(render("a\n\n{{ missing.x }}"), "template: line 3: 'missing' is undefined");
  EXPECT_USER_ERROR(render("{{ raise_exception('roles must alternate') }}"),
                    "line 1: roles must alternate");
}

struct Hostile {
  std::string source, words;
};

std::string repeated(const std::string& text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

// Each of them would run for ever, or fill the memory, without limits.
std::vector<Hostile> bombs() {
  const std::string steps = "takes more than 2000000 steps; does a loop or a macro never end?";
  const std::string bytes = "bytes", over = "more than", nested = "nested deeper than",
                    too_big = "Range too big";
  return {
      {"{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}", steps},
      {"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", steps},
      {"{% set ns = namespace(s='ab') %}{% for a in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% "
       "endfor %}",
       bytes},
      {"{% set ns = namespace(s=[1]) %}{% for a in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
       "endfor %}",
       over},
      {"{% set ns = namespace(s=[1]) %}{% for a in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% "
       "endfor %}{{ ns.s }}",
       ""},
      {"{% set ns = namespace(s='a') %}{% for a in range(99) %}{% set ns.s = ns.s.replace('a', "
       "'aaaaaaaaaa') %}{% endfor %}",
       over},
      {"{{ 'a' * 10 ** 9 }}", bytes},
      {"{{ [1] * 10 ** 9 }}", over},
      {"{{ ['a' * 10 ** 7] * 100000 }}", over},
      {"{{ (['\\x01' * 10 ** 7] * 1000) | tojson }}", over},
      {"{{ 'a'.ljust(10 ** 12) }}", bytes},
      {"{{ '%1000000000d' % 1 }}", ""},
      {"{{ '{:1000000000}'.format(1) }}", ""},
      {"{{ 'a' | center(10 ** 12) }}", bytes},
      {"{{ ('a\\n' * 1000000) | indent(10 ** 6) }}", bytes},
      {"{{ [1] | batch(10 ** 12, 0) | list }}", over},
      {"{{ [1] | slice(10 ** 12, 0) | list }}", over},
      {"{{ ('\\t' * 100000).expandtabs(1000000) }}", over},
      {"{{ range(10 ** 12) }}", too_big},
      {"{{ range(10 ** 6) | list }}", too_big},
      {"{% for i in range(0, 10 ** 9, 2) %}{% endfor %}", too_big},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", nested},
      {"{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", nested},
      {"{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", nested},
      {"{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
       steps},
      {"{{ " + repeated("(", 100'000) + "1" + repeated(")", 100'000) + " }}", ""},
      {"{{ " + repeated("[", 100'000), ""},
      {"{{ " + repeated("not ", 100'000) + "1 }}", ""},
      {"{{ " + repeated("-", 100'000) + "1 }}", ""},
      {"{{ 1" + repeated(" + 1", 100'000) + " }}", ""},
      {"{{ x" + repeated(".x", 100'000) + " }}", ""},
      {"{{ 1" + repeated("|abs", 100'000) + " }}", ""},
      {repeated("{% if 1 %}", 100'000), ""},
      {"{% set ns = namespace(s=[]) %}" + repeated("{% set ns.s = [ns.s] %}", 20'000) +
           "{{ ns.s }}",
       ""},
      {"{% set ns = namespace() %}{% set ns.me = [ns] %}{{ ns.me|tojson }}", ""},
      {"{{ 2 ** 10 ** 9 }}", ""},
      {"{{ (10 ** 18) * (10 ** 18) }}", ""},
  };
}

TEST(Jinja, BombsAreRefusedQuickly) {
  for (const auto& [source, words] : bombs()) {
    SCOPED_TRACE(source.substr(0, 100));
    const auto begin = std::clock();  // of this process; a busy core counts its seconds slowly
    EXPECT_USER_ERROR(render(source), words);
    EXPECT_LT(std::clock() - begin, 60 * CLOCKS_PER_SEC);
  }
}

TEST(Jinja, NumbersAtTheirLimitsDoNotWrap) {
  const std::string least = "(-9223372036854775807 - 1)", most = "9223372036854775807";
  EXPECT_EQ(render(str("{{ range(", least, ", ", most, ", ", most, ")|list }}")),
            "[-9223372036854775808, -1, 9223372036854775806]");
  EXPECT_EQ(render(str("{{ 'a'.ljust(", least, ") }}{{ 'b'.zfill(", least, ") }}")), "ab");
  EXPECT_EQ(render(str("{{ 9|round(-400) }} {{ 9|round(", least, ") }}")), "0 0");
  EXPECT_USER_ERROR(render(str("{{ ", most, "|round(-1) }}")), "leaves the range of 64 bits");
}

TEST(Jinja, NothingReachesOutOfTheSandbox) {
  for (const std::string object :
       {"''", "[]", "{}", "1", "range", "namespace", "dict", "cycler('a')", "''.upper", "none"}) {
    for (const std::string name :
         {"__class__", "__init__", "__globals__", "__mro__", "__dict__", "__subclasses__", "_x"}) {
      SCOPED_TRACE(object + "." + name);
      EXPECT_EQ(render(str("{{ (", object, ").", name, " is defined }}")), "False");
      EXPECT_EQ(render(str("{{ (", object, ")['", name, "'] is defined }}")), "False");
      EXPECT_EQ(render(str("{{ (", object, ")|attr('", name, "') is defined }}")), "False");
      EXPECT_USER_ERROR(render(str("{{ (", object, ").", name, ".x }}")), "template: line 1: ");
    }
  }
  EXPECT_USER_ERROR(render("{{ '{0.__class__.__mro__}'.format('') }}"), "template: line 1: ");
  for (const std::string tag :
       {"include 'x'", "import 'x' as y", "from 'x' import y", "extends 'x'"}) {
    EXPECT_USER_ERROR(render("{% " + tag + " %}"), "template: line 1: ");
  }
}

TEST(Jinja, ValuesCannotBeChanged) {
  for (const std::string call :
       {"xs.append(1)", "xs.extend([1])", "xs.insert(0, 1)", "xs.pop()", "xs.remove(1)",
        "xs.clear()", "xs.reverse()", "xs.sort()", "d.update({})", "d.pop('a')", "d.popitem()",
        "d.setdefault('b', 1)", "d.clear()"}) {
    const Json variables = {{"xs", {1, 2}}, {"d", {{"a", 1}}}};
    EXPECT_USER_ERROR(render("{{ " + call + " }}", variables),
                      "template: line 1: access to attribute '");
    EXPECT_USER_ERROR(render("{{ " + call + " }}", variables), "' object is unsafe.");
  }
}

TEST(Jinja, LimitsAreOnesOfTheCaller) {
  const std::string loop = "{% for a in range(1000) %}{{ a }}{% endfor %}";
  EXPECT_USER_ERROR(render(loop, Json::object(), {.steps = 500}), "takes more than 500 steps");
  EXPECT_USER_ERROR(render(loop, Json::object(), {.output_bytes = 1000}), "makes more than");
  EXPECT_USER_ERROR(render("{{ 'a' * 101 }}", Json::object(), {.output_bytes = 100}),
                    "101 bytes is longer than the limit of 100");
  EXPECT_EQ(render("{{ 'a' * 100 }}", Json::object(), {.output_bytes = 100}).size(), 100u);
  try {
    render(loop, Json::object(), {.steps = 500});
    FAIL();
  } catch (const TemplateError&) {
    FAIL() << "a limit is no error that the template makes";
  } catch (const UserError&) {
  }
}

}  // namespace
}  // namespace tunewright::text
