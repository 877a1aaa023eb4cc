#include "tunewright/text/jinja_parser.h"

#include <algorithm>
#include <initializer_list>
#include <set>

#include "tunewright/base/str.h"
#include "tunewright/text/jinja_expressions.h"
#include "tunewright/text/python_text.h"

namespace tunewright::text::jinja {
namespace {

using SKind = Statement::Kind;
using StatementPointer = std::unique_ptr<Statement>;
using Words = std::initializer_list<std::string_view>;

constexpr int kMaxBlockDepth = 100;

class StatementParser : private ExpressionParser {
 public:
  StatementParser(std::string_view source, const Whitespace& whitespace)
      : ExpressionParser(source, whitespace) {}

  Tree run() {
    Tree tree;
    tree.body = block({});
    tree.names = take_names();
    tree.has_generation = has_generation_;
    return tree;
  }

 private:
  static StatementPointer make(SKind kind, int line) {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = line;
    return statement;
  }

  static bool any_of(Words words, const std::string& text) {
    return std::find(words.begin(), words.end(), text) != words.end();
  }

  // Statements up to a tag of `ends`, whose name is the current token; with none, up to the end.
  Body block(Words ends) {
    if (++depth_ > kMaxBlockDepth)
      fail(str("blocks are nested deeper than ", kMaxBlockDepth, " levels"));
    Body body;
    while (!at(Token::Kind::End)) {
      const int line = current().line;
      if (at(Token::Kind::Data)) {
        body.push_back(data());
      } else if (accept(Token::Kind::VariableBegin)) {
        auto output = make(SKind::Output, line);
        output->expression = tuple({});
        expect(Token::Kind::VariableEnd);
        body.push_back(std::move(output));
      } else {
        expect(Token::Kind::BlockBegin);
        if (at(Token::Kind::Name) && any_of(ends, current().text)) {
          --depth_;
          return body;
        }
        statement(body);
        expect(Token::Kind::BlockEnd);
      }
    }
    if (ends.size() > 0) {
      fail(str("Unexpected end of template. Jinja was looking for the following tags: '",
               join(std::vector<std::string>(ends.begin(), ends.end()), "' or '"), "'."));
    }
    --depth_;
    return body;
  }

  StatementPointer data() {
    auto statement = make(SKind::Data, current().line);
    statement->text = next().text;
    return statement;
  }

  Body block_of(Words ends) {
    accept_operator(":");
    expect(Token::Kind::BlockEnd);
    return block(ends);
  }

  // A body whose end tag has no alternative.
  Body closed_block(std::string_view end) {
    Body body = block_of({end});
    next();
    return body;
  }

  void statement(Body& body) {
    if (!at(Token::Kind::Name)) fail("tag name expected");
    const int line = current().line;
    const std::string tag = next().text;
    if (tag == "print") return print(body, line);
    body.push_back(tagged(tag, line));
  }

  void print(Body& body, int line) {
    while (!at(Token::Kind::BlockEnd)) {
      auto output = make(SKind::Output, line);
      output->expression = expression();
      body.push_back(std::move(output));
      if (!at(Token::Kind::BlockEnd)) expect_operator(",");
    }
  }

  StatementPointer tagged(const std::string& tag, int line) {
    if (tag == "set") return set(line);
    if (tag == "for") return for_loop(line);
    if (tag == "if") return if_block(line);
    if (tag == "macro") return macro(line);
    if (tag == "call") return call_block(line);
    if (tag == "filter") return filter_block(line);
    if (tag == "with") return with(line);
    if (tag == "generation") return generation(line);
    if (tag == "break" || tag == "continue") return jump(tag, line);
    if (tag == "block") return named_block(line);
    if (any_of({"include", "import", "from", "extends"}, tag)) {
      fail(str("the tag '", tag,
               "' needs other template files, which a chat template does not have"));
    }
    fail(str("Encountered unknown tag '", tag, "'."));
  }

  static bool names_loop(const Expression& target) {
    if (target.kind == Expression::Kind::Name) return target.slot == kLoopSlot;
    return target.kind == Expression::Kind::Tuple &&
           std::any_of(target.parts.begin(), target.parts.end(),
                       [](const auto& part) { return names_loop(*part); });
  }

  // What a set or a for gives a value to; nothing inside of a for may change its loop.
  ExpressionPointer stored(bool spaces) {
    auto made = target(spaces);
    if (fors_ > 0 && names_loop(*made))
      fail("Can't assign to special loop variable in for-loop target");
    return made;
  }

  StatementPointer set(int line) {
    auto statement = make(SKind::Set, line);
    statement->target = stored(true);
    if (accept_operator("=")) {
      statement->expression = tuple({});
      return statement;
    }
    statement->kind = SKind::SetBlock;
    if (at_operator("|")) statement->expression = filters(nullptr);
    statement->body = closed_block("endset");
    return statement;
  }

  StatementPointer for_loop(int line) {
    auto statement = make(SKind::For, line);
    ++fors_;
    statement->target = stored(false);
    expect_name("in");
    statement->expression = tuple({"recursive"}, false);
    if (accept_name("if")) statement->condition = expression();
    statement->recursive = accept_name("recursive");
    ++loops_;
    statement->body = block_of({"endfor", "else"});
    --loops_;
    if (next().text == "else") statement->otherwise = closed_block("endfor");
    --fors_;
    return statement;
  }

  StatementPointer if_block(int line) {
    auto statement = make(SKind::If, line);
    statement->expression = tuple({}, false);
    ++conditions_;
    statement->body = block_of({"elif", "else", "endif"});
    // Each elif is an if inside the otherwise of the one before; walked in a loop, not recursively.
    Statement* last = statement.get();
    for (std::string tag = next().text; tag != "endif"; tag = next().text) {
      if (tag == "else") {
        last->otherwise = block_of({"endif"});
        next();
        break;
      }
      if (++branches_ > kMaxBranches) fail(str("more than ", kMaxBranches, " branches"));
      auto branch = make(SKind::If, current().line);
      branch->expression = tuple({}, false);
      branch->body = block_of({"elif", "else", "endif"});
      Statement* pushed = branch.get();
      last->otherwise.push_back(std::move(branch));
      last = pushed;
    }
    --conditions_;
    return statement;
  }

  void signature(Signature& head) {
    expect_operator("(");
    while (!at_operator(")")) {
      if (!head.names.empty()) expect_operator(",");
      head.names.push_back(expect(Token::Kind::Name).text);
      head.slots.push_back(slot_of(head.names.back()));
      if (accept_operator("=")) {
        head.defaults.push_back(expression());
      } else if (!head.defaults.empty()) {
        fail("non-default argument follows default argument");
      }
    }
    expect_operator(")");
  }

  // The body of a macro; notes which of caller, kwargs and varargs it mentions.
  Body macro_body(Signature& head, std::string_view end) {
    const int outer_loops = std::exchange(loops_, 0);
    Uses outer = std::exchange(uses_, {});
    Body body = closed_block(end);
    loops_ = outer_loops;
    head.uses_caller = uses_.caller;
    head.uses_kwargs = uses_.kwargs;
    head.uses_varargs = uses_.varargs;
    uses_ = {outer.caller || uses_.caller, outer.kwargs || uses_.kwargs,
             outer.varargs || uses_.varargs};
    return body;
  }

  StatementPointer macro(int line) {
    auto statement = make(SKind::Macro, line);
    statement->signature.name = expect(Token::Kind::Name).text;
    statement->slot = slot_of(statement->signature.name);
    signature(statement->signature);
    statement->body = macro_body(statement->signature, "endmacro");
    return statement;
  }

  StatementPointer call_block(int line) {
    auto statement = make(SKind::CallBlock, line);
    statement->signature.name = "caller";
    if (at_operator("(")) signature(statement->signature);
    statement->expression = expression();
    if (statement->expression->kind != Expression::Kind::Call) fail("expected call");
    statement->body = macro_body(statement->signature, "endcall");
    return statement;
  }

  StatementPointer filter_block(int line) {
    auto statement = make(SKind::FilterBlock, line);
    statement->expression = filters(nullptr, true);
    statement->body = closed_block("endfilter");
    return statement;
  }

  StatementPointer with(int line) {
    auto statement = make(SKind::With, line);
    while (!at(Token::Kind::BlockEnd)) {
      if (!statement->assignments.empty()) expect_operator(",");
      auto name = target(false, true);
      expect_operator("=");
      statement->assignments.emplace_back(std::move(name), expression());
    }
    statement->body = closed_block("endwith");
    return statement;
  }

  // A generation block is a call block: a scope of its own, out of which no loop can be left.
  StatementPointer generation(int line) {
    auto statement = make(SKind::Generation, line);
    has_generation_ = true;
    const int outer_loops = std::exchange(loops_, 0);
    statement->body = closed_block("endgeneration");
    loops_ = outer_loops;
    return statement;
  }

  StatementPointer jump(const std::string& tag, int line) {
    if (loops_ == 0) fail(str("'", tag, "' outside of a loop"));
    return make(tag == "break" ? SKind::Break : SKind::Continue, line);
  }

  // Without inheritance a named block is its content.
  StatementPointer named_block(int line) {
    auto statement = make(SKind::Scope, line);
    const std::string name = expect(Token::Kind::Name).text;
    if (!blocks_.insert(name).second) fail(str("block ", python::repr(name), " defined twice"));
    accept_name("scoped");
    accept_name("required");
    const int outer_loops = std::exchange(loops_, 0);
    statement->body = block_of({"endblock"});
    loops_ = outer_loops;
    next();
    accept_name(name);
    return statement;
  }

  static constexpr int kMaxBranches = 2000;
  std::set<std::string> blocks_;
  int depth_ = 0, loops_ = 0, fors_ = 0, branches_ = 0;
  bool has_generation_ = false;
};

}  // namespace

Tree parse_template(std::string_view source, const Whitespace& whitespace) {
  return StatementParser(source, whitespace).run();
}

}  // namespace tunewright::text::jinja
