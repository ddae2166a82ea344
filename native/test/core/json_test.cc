#include "core/json.h"

#include <doctest/doctest.h>

using namespace npb;

TEST_CASE("JSON values of every kind") {
  const auto parsed = Json::parse(
      R"( {"a":[1,-2.5e3,true,null,"x\n\u00e9\ud83d\ude00\/"],"big":18446744073709551615,"o":{}} )",
      "text");
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().message));
  const auto& a = parsed->elements("a");
  REQUIRE(a.size() == 5);
  CHECK(a[0].as_unsigned() == 1);
  CHECK(a[1].as_number() == -2500.0);
  CHECK(!a[1].as_unsigned());
  CHECK(a[2].as_bool() == true);
  CHECK(a[3].is_null());
  CHECK(*a[4].as_string() == "x\n\xc3\xa9\xf0\x9f\x98\x80/");
  CHECK(parsed->find("big")->as_unsigned() == UINT64_MAX);
  CHECK(parsed->find("o")->is_object());
  CHECK(parsed->find("missing") == nullptr);
  CHECK(parsed->elements("o").empty());
}

TEST_CASE("What is no JSON is refused with its place") {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{\"a\" 1}",
                           "01",
                           "1.",
                           "1e",
                           "+1",
                           ".5",
                           "nul",
                           "tru",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"\t\"",
                           "1 2",
                           "{\"a\":1,\"a\":2}",
                           "NaN",
                           "'a'",
                           "{1:2}",
                           "[1 2]"}) {
    const auto parsed = Json::parse(text, "file.json");
    REQUIRE_MESSAGE(!parsed.ok(), text);
    CHECK(parsed.error().code == ErrorCode::invalid_model);
    CHECK(parsed.error().message.starts_with("file.json is not valid JSON (line 1: "));
  }
  CHECK(Json::parse("[\n1,\n!]", "f").error().message.find("line 3") != std::string::npos);
}

TEST_CASE("Depth is bounded") {
  CHECK(Json::parse(std::string(60, '[') + std::string(60, ']'), "f").ok());
  CHECK(!Json::parse(std::string(100, '[') + std::string(100, ']'), "f").ok());
  CHECK(!Json::parse(std::string(1000000, '['), "f").ok());
}
