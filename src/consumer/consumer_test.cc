// Records to text, to the character: default columns, trace, printa, the library actions, faults and drops.
#include "consumer/consumer.h"

#include <gtest/gtest.h>

#include "consumer/fake_session.h"
#include "consumer/faults.h"

namespace ht::consumer {
namespace {

using dif::ActionKind;
using dif::CKind;
using dif::Libact;
using dif::Type;

constexpr char kHeading[] = "CPU     ID                    FUNCTION:NAME\n";
const std::string kBegin = "  0      1                           :BEGIN ";
const Type kInt = int_type();
const Type kString = Type::string();

Options quiet() {
  Options options;
  options.quiet = true;
  return options;
}

TEST(Records, DefaultActionPrintsItsColumns) {
  Scene scene(program_of({{}}));
  scene.fire(0, {}, 1, 1, 3);
  EXPECT_EQ(scene.printed(), std::string(kHeading) + "  3     17                       read:entry \n");
  scene.fire(0);
  EXPECT_EQ(scene.printed(), kBegin + "\n") << "the heading comes once";
}

TEST(Records, ExitAloneStillPrintsALine) {
  Scene scene(program_of({{act(ActionKind::kExit, {kInt})}}));
  scene.fire(0, {{0}});
  EXPECT_EQ(scene.printed(), kHeading + kBegin + "\n");
}

TEST(Records, PrintfBetweenColumnsAndNewline) {
  Scene scene(program_of({{printf_of("hi\n", {})}}));
  scene.fire(0);
  EXPECT_EQ(scene.printed(), kHeading + kBegin + "hi\n\n");
}

TEST(Records, QuietPrintsOnlyWhatWasAsked) {
  Scene scene(program_of({{printf_of("hi\n", {}), trace_of(kInt), trace_of(kString)}}), quiet());
  scene.fire(0, {{-7, "x"}});
  EXPECT_EQ(scene.printed(), "hi\n-7x");
}

TEST(Records, TraceWidthsBySizeAndSign) {
  const auto traced = [](const Type& type, const Packed& value) {
    Scene scene(program_of({{trace_of(type)}}));
    scene.fire(0, value);
    return scene.printed().substr(sizeof kHeading - 1 + kBegin.size());
  };
  EXPECT_EQ(traced(int_type(8), {{-5}}), "                  -5\n");
  EXPECT_EQ(traced(int_type(4), {{-5}}), "         -5\n");
  EXPECT_EQ(traced(int_type(2), {{-5}}), "    -5\n");
  EXPECT_EQ(traced(int_type(1), {{-5}}), "  -5\n");
  EXPECT_EQ(traced(int_type(8, false), {{-5}}), " 18446744073709551611\n");
  EXPECT_EQ(traced(int_type(4, false), {{-5}}), " 4294967291\n");
  EXPECT_EQ(traced(int_type(2, false), {{-5}}), " 65531\n");
  EXPECT_EQ(traced(int_type(1, false), {{-5}}), " 251\n");
  EXPECT_EQ(traced(kString, {{"hello"}}), "  hello                            \n");
  EXPECT_EQ(traced(kString, {{""}}), "                                   \n");
  EXPECT_EQ(traced({dif::TypeKind::kD, CKind::kPointer, 0, 8, "void *"}, {{255}}), "                  255\n");
}

TEST(Records, ObjectsAreDumped) {
  Scene scene(program_of({{trace_of({dif::TypeKind::kD, CKind::kStruct, Type::kByRef, 18, "struct s"})}}), quiet());
  scene.fire(0, {{std::string("0123456789abcdef\x01Z")}});
  EXPECT_EQ(scene.printed(),
            "\n             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef\n"
            "         0: 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n"
            "        10: 01 5a                                            .Z\n");
}

TEST(Records, TracememTakesADynamicSize) {
  dif::Action action = act(ActionKind::kTracemem, {int_type(8), kInt});
  action.param = 8;
  Scene scene(program_of({{action}}), quiet());
  const std::string heading = "\n             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef\n";
  scene.fire(0, {{"ABCDEFGH", 3}});
  EXPECT_EQ(scene.printed(), heading + "         0: 41 42 43                                         ABC\n");
  scene.fire(0, {{"ABCDEFGH", -1}});
  EXPECT_EQ(scene.printed(), heading + "         0: 41 42 43 44 45 46 47 48                          ABCDEFGH\n");
  scene.fire(0, {{"ABCDEFGH", 0}});
  EXPECT_EQ(scene.printed(), "");
}

TEST(Records, StackFramesAreIndented) {
  dif::Action action = act(ActionKind::kStack);
  action.param = 2;
  Scene scene(program_of({{action}}));
  scene.fire(0, {{std::string(8, '\0') + std::string("\x10\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0", 16)}});
  EXPECT_EQ(scene.printed(), kHeading + kBegin + "\n              0x10\n              0x20\n\n");
}

TEST(Records, CommitAndDiscardAloneAreSilent) {
  Scene scene(program_of(
      {{act(ActionKind::kCommit, {kInt}), act(ActionKind::kDiscard, {kInt})}, {act(ActionKind::kSpeculate, {kInt})}}));
  scene.fire(0, {{1, 1}});
  EXPECT_EQ(scene.printed(), "");
  scene.fire(1, {{1}});
  EXPECT_EQ(scene.printed(), kHeading + kBegin + "\n");
}

TEST(Records, OnlyBranchesThatRan) {
  dif::Action branch = act(ActionKind::kBranchFalse, {kInt});
  branch.target = 3;
  dif::Action jump = act(ActionKind::kJump);
  jump.target = 4;
  Scene scene(program_of({{branch, printf_of("yes", {}), jump, printf_of("no", {})}}));
  scene.fire(0, {}, 0, 0, 0, {1, 1, 1, 0});
  EXPECT_EQ(scene.printed(), kHeading + kBegin + "yes\n");
  scene.fire(0, {}, 0, 0, 0, {1, 0, 0, 1});
  EXPECT_EQ(scene.printed(), kBegin + "no\n");
  scene.fire(0, {}, 0, 0, 0, {1, 0, 0, 0});
  EXPECT_EQ(scene.printed(), "");
}

TEST(Records, FlowIndent) {
  Options options;
  options.flowindent = true;
  Scene scene(program_of({{}, {}}), options);
  scene.fire(0, {}, 1);  // entry
  scene.fire(1, {}, 1);  // a second clause on the same probe
  scene.fire(0, {}, 0);  // BEGIN
  scene.fire(0, {}, 2);  // return
  const std::string heading = "CPU FUNCTION                                 \n";
  EXPECT_EQ(scene.printed(), heading +
                                 "  0  => read                                  \n"
                                 "  0   | read:entry                            \n"
                                 "  0   | :BEGIN                                \n"
                                 "  0  <= read                                  \n");
}

TEST(Records, NonsenseIsIgnored) {
  Scene scene(program_of({{trace_of(kInt)}}));
  engine::RecordView view;
  view.variant = 9;
  scene.session().add(view, {});
  view.variant = 0;
  view.clause = 9;
  scene.session().add(view, {});
  view.clause = 0;
  view.probe = 99;
  scene.session().add(view, {});  // too short, and of no known probe
  EXPECT_EQ(scene.printed(), "");
  engine::BinView bin;
  bin.aggregation = 5;
  bin.clause = 7;
  scene.session().add_bin(bin, {}, {1});
  EXPECT_EQ(scene.remaining(), "");
}

TEST(Records, NewsOfALateGuestIsAskedFor) {
  const dif::Program program = program_of({{printf_of("late", {})}});
  Scene scene(program, quiet());
  int asked = 0;
  scene.consumer().set_refresh([&] {
    if (++asked > 1) return false;
    scene.consumer().add_variant(std::make_shared<const dif::Program>(program));
    scene.consumer().add_probe({40, "syscall", "vmlinux", "open", "entry"});
    return true;
  });
  engine::RecordView view;
  view.variant = 1;
  view.probe = 3;
  scene.session().add(view, {});
  EXPECT_EQ(scene.printed(), "late");
  view.probe = 4;
  scene.session().add(view, {});
  EXPECT_EQ(scene.printed(), "");
  EXPECT_EQ(asked, 2);
}

// -- aggregations

dif::AggregationDef def(const std::string& name, uint32_t id, ActionKind function, uint64_t param = 0) {
  dif::AggregationDef result;
  result.name = name;
  result.id = id;
  result.function = function;
  result.param = param;
  return result;
}

std::string text_key(const std::string& text) {
  return "  " + text + std::string(50 - text.size(), ' ');
}

TEST(Aggregations, RemainingAreSortedByIdThenValueThenKey) {
  Scene scene(program_of({{aggregate_of(ActionKind::kCount, 1, {kString}), aggregate_of(ActionKind::kSum, 2, {kInt})}},
                         {def("a", 1, ActionKind::kCount), def("b", 2, ActionKind::kSum)}));
  scene.aggregate(0, 1, {{7}}, {static_cast<uint64_t>(-3)});
  scene.aggregate(0, 0, {{"more"}}, {5});
  scene.aggregate(0, 0, {{"few"}}, {2});
  scene.aggregate(0, 0, {{"equal"}}, {2});
  EXPECT_EQ(scene.remaining(), text_key("equal") + "                2\n" + text_key("few") + "                2\n" +
                                   text_key("more") + "                5\n" + "        7               -3\n");
}

TEST(Aggregations, SnapshotsAddUp) {
  Scene scene(program_of({{aggregate_of(ActionKind::kCount, 1, {})}}, {def("", 1, ActionKind::kCount)}));
  scene.aggregate(0, 0, {}, {5});
  scene.aggregate(0, 0, {}, {6});  // another slot
  scene.consumer().snapshot(scene.session());
  scene.aggregate(0, 0, {}, {100});
  EXPECT_EQ(scene.remaining(), "              111\n");
}

TEST(Aggregations, ByCpu) {
  Scene scene(program_of({{aggregate_of(ActionKind::kSum, 1, {})}}, {def("", 1, ActionKind::kSum)}));
  scene.consumer().keep_by_cpu({0, 3, 4});
  scene.aggregate(0, 0, {}, {5}, 0);
  scene.aggregate(0, 0, {}, {2}, 1);
  scene.aggregate(0, 0, {}, {1}, 1);
  EXPECT_EQ(
      scene.remaining(),
      "                8\n    [CPU 0]                5\n    [CPU 3]                3\n    [CPU 4]                0\n");
}

TEST(Aggregations, KeyColumnsBySize) {
  Scene scene(program_of({{aggregate_of(ActionKind::kCount, 1, {int_type(8), int_type(4), int_type(2), int_type(1)})}},
                         {def("", 1, ActionKind::kCount)}));
  scene.aggregate(0, 0, {{-1, -2, -3, -4}}, {1});
  EXPECT_EQ(scene.remaining(), "               -1       -2 65533 252                1\n");
}

TEST(Aggregations, AnEmptyStringKeyIsDumped) {
  Options options;
  options.strsize = 4;
  Scene scene(program_of({{aggregate_of(ActionKind::kCount, 1, {kString})}}, {def("", 1, ActionKind::kCount)}),
              options);
  scene.aggregate(0, 0, {{""}}, {1});
  EXPECT_EQ(scene.remaining(),
            "\n             0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f  0123456789abcdef\n"
            "         0: 00 00 00 00                                      ....\n"
            "                1\n");
}

TEST(Aggregations, DistributionsAreSeparatedByABlankLine) {
  Scene scene(program_of({{aggregate_of(ActionKind::kLquantize, 1, {kString})}},
                         {def("", 1, ActionKind::kLquantize, dif::encode_lquantize({0, 1, 10}))}));
  scene.aggregate(0, 0, {{"k"}}, {0, 1, 0});
  EXPECT_EQ(scene.remaining(), text_key("k") +
                                   "\n           value  ------------- Distribution ------------- count    \n"
                                   "             < 0 |                                         0        \n"
                                   "               0 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1        \n"
                                   "           >= 10 |                                         0        \n\n");
}

dif::Program two_keys(std::vector<dif::Action> more) {
  std::vector<dif::Action> made = {aggregate_of(ActionKind::kCount, 1, {kString, kInt})};
  return program_of({made, std::move(more)}, {def("a", 1, ActionKind::kCount)});
}

TEST(Printa, WithoutFormat) {
  Scene scene(two_keys({printa_of({1})}));
  scene.aggregate(0, 0, {{"x", 1}}, {4});
  scene.fire(1);
  EXPECT_EQ(scene.printed(), kHeading + kBegin + "\n" + text_key("x") + "        1                4\n\n");
  EXPECT_EQ(scene.remaining(), "") << "printed once by printa, it is not printed again at the end";
}

TEST(Printa, OfNothingPrintsItsNewline) {
  Scene scene(two_keys({printa_of({1})}), quiet());
  scene.fire(1);
  EXPECT_EQ(scene.printed(), "\n");
}

TEST(Printa, WithFormat) {
  Scene scene(two_keys({printa_of({1}, "%-6s|%3d|%@5d|%@x\n")}), quiet());
  scene.aggregate(0, 0, {{"x", 1}}, {20});
  scene.aggregate(0, 0, {{"y", 2}}, {10});
  scene.fire(1);
  EXPECT_EQ(scene.printed(), "y     |  2|   10|a\nx     |  1|   20|14\n");
}

TEST(Printa, SortOptions) {
  const auto sorted = [](auto change) {
    Options options = quiet();
    change(options);
    Scene scene(two_keys({printa_of({1}, "%s%d ")}), options);
    scene.aggregate(0, 0, {{"a", 3}}, {2});
    scene.aggregate(0, 0, {{"b", -1}}, {1});
    scene.aggregate(0, 0, {{"c", 2}}, {3});
    scene.fire(1);
    return scene.printed();
  };
  EXPECT_EQ(sorted([](Options&) {}), "b-1 a3 c2 ");
  EXPECT_EQ(sorted([](Options& o) { o.aggsortrev = true; }), "c2 a3 b-1 ");
  EXPECT_EQ(sorted([](Options& o) { o.aggsortkey = true; }), "a3 b-1 c2 ");
  EXPECT_EQ(sorted([](Options& o) { o.aggsortkey = true, o.aggsortkeypos = 1; }), "c2 a3 b-1 ") << "keys are unsigned";
  EXPECT_EQ(sorted([](Options& o) { o.aggsortkey = true, o.aggsortkeypos = 9; }), "a3 b-1 c2 ");
}

TEST(Printa, JoinsSeveralAggregations) {
  const dif::Program program =
      program_of({{aggregate_of(ActionKind::kCount, 1, {kString}), aggregate_of(ActionKind::kMax, 2, {kString})},
                  {printa_of({1, 2})},
                  {printa_of({1, 2}, "%s %@d %@d %@d\n")}},
                 {def("a", 1, ActionKind::kCount), def("b", 2, ActionKind::kMax)});
  Scene scene(program, quiet());
  scene.aggregate(0, 0, {{"both"}}, {7});
  scene.aggregate(0, 1, {{"both"}}, {70});
  scene.aggregate(0, 1, {{"second"}}, {5});
  scene.fire(1);
  EXPECT_EQ(scene.printed(), "\n" + text_key("second") + "                0                5\n" + text_key("both") +
                                 "                7               70\n");
  scene.fire(2);
  EXPECT_EQ(scene.printed(), "second 0 5 5\nboth 7 70 70\n") << "further %@ repeat the last";
}

TEST(Library, ClearKeepsKeys) {
  Scene scene(two_keys({libact_of(Libact::kClear, {1})}), quiet());
  scene.aggregate(0, 0, {{"x", 1}}, {4});
  scene.fire(1);
  EXPECT_EQ(scene.remaining(), text_key("x") + "        1                0\n");
}

TEST(Library, ClearedMinimumShowsItsStart) {
  Scene scene(program_of({{aggregate_of(ActionKind::kMin, 1, {})}, {libact_of(Libact::kClear, {1})}},
                         {def("", 1, ActionKind::kMin)}));
  scene.aggregate(0, 0, {}, {4});
  scene.fire(1);
  EXPECT_EQ(scene.remaining(), " 9223372036854775807\n");
}

TEST(Library, TruncKeepsTheLargestOrSmallest) {
  const auto left = [](const std::vector<Type>& types, const Packed& number) {
    Scene scene(two_keys({libact_of(Libact::kTrunc, {1}, types), printa_of({1}, "%s ")}), quiet());
    scene.aggregate(0, 0, {{"a", 1}}, {2});
    scene.aggregate(0, 0, {{"b", 1}}, {1});
    scene.aggregate(0, 0, {{"c", 1}}, {3});
    scene.fire(1, number);
    return scene.printed();
  };
  EXPECT_EQ(left({}, {}), "");
  EXPECT_EQ(left({kInt}, {{0}}), "");
  EXPECT_EQ(left({kInt}, {{2}}), "a c ");
  EXPECT_EQ(left({kInt}, {{-1}}), "b ");
  EXPECT_EQ(left({kInt}, {{99}}), "b a c ");
}

TEST(Library, NormalizeAndDenormalize) {
  Scene scene(program_of({{aggregate_of(ActionKind::kSum, 1, {})},
                          {libact_of(Libact::kNormalize, {1}, {kInt}), printa_of({1}, "%@d ")},
                          {libact_of(Libact::kDenormalize, {1}), printa_of({1}, "%@d ")}},
                         {def("", 1, ActionKind::kSum)}),
              quiet());
  scene.aggregate(0, 0, {}, {100});
  scene.fire(1, {{10}});
  scene.fire(1, {{7}});
  scene.fire(2);
  EXPECT_EQ(scene.printed(), "10 14 100 ");
  scene.fire(1, {{0}});
  scene.printed();
  EXPECT_EQ(scene.messages(), "error in dt_clause_1 for probe ID 1 (dtrace:::BEGIN): Invalid normalization\n");
}

TEST(Library, Setopt) {
  Scene scene(program_of({{libact_of(Libact::kSetopt, {}, {kString})},
                          {libact_of(Libact::kSetopt, {}, {kString, kString})},
                          {printf_of("x", {})}}),
              quiet());
  scene.fire(1, {{"quiet", "no"}});
  scene.fire(2);
  EXPECT_EQ(scene.printed(), "\n" + kBegin + "x\n") << "the heading had its chance at the first record";
  scene.fire(0, {{"quiet"}});
  scene.fire(2);
  EXPECT_EQ(scene.printed(), kBegin + "x");
  scene.fire(1, {{"bufsize", "1m"}});
  scene.fire(1, {{"nonsense", "1"}});
  scene.printed();
  EXPECT_EQ(scene.messages(),
            "error in dt_clause_1 for probe ID 1 (dtrace:::BEGIN): couldn't set option \"bufsize\" to \"1m\": "
            "Operation illegal when tracing is active\n"
            "error in dt_clause_1 for probe ID 1 (dtrace:::BEGIN): couldn't set option \"nonsense\" to \"1\": "
            "Invalid option name\n");
}

TEST(Library, SystemIsNotForGuests) {
  dif::Action action = act(ActionKind::kSystem, {kString});
  action.format = "echo %s";
  Scene scene(program_of({{action}}), quiet());
  scene.fire(0, {{"x"}}, 1, 1);
  scene.printed();
  EXPECT_EQ(scene.messages(),
            "error in dt_clause_0 for probe ID 17 (syscall:vmlinux:read:entry): system() is not run "
            "for a guest's probe on vm1\n");
}

TEST(Faults, NameProbeAddressOffsetAndGuest) {
  engine::RecordView view;
  view.kind = engine::RecordView::Kind::kFault;
  view.clause = 2;
  view.fault = dif::Fault::kBadaddr;
  view.fault_address = 0x10;
  view.fault_offset = 24;
  const engine::ProbeName probe{17, "syscall", "vmlinux", "read", "entry"};
  EXPECT_EQ(
      fault_message(view, probe, ""),
      "error in dt_clause_2 for probe ID 17 (syscall:vmlinux:read:entry): invalid address (0x10) at DIF offset 24");
  EXPECT_EQ(fault_message(view, probe, "vm1"),
            "error in dt_clause_2 for probe ID 17 (syscall:vmlinux:read:entry): invalid address (0x10) at DIF offset 24"
            " on vm1");
  view.fault = dif::Fault::kDivzero;
  view.fault_offset = -1;
  EXPECT_EQ(fault_message(view, probe, ""),
            "error in dt_clause_2 for probe ID 17 (syscall:vmlinux:read:entry): divide-by-zero");
  view.fault = dif::Fault::kBadindex;
  view.fault_address = static_cast<uint64_t>(-3);
  EXPECT_EQ(fault_message(view, probe, ""),
            "error in dt_clause_2 for probe ID 17 (syscall:vmlinux:read:entry): index out of bounds (-3)");
}

TEST(Faults, ComeThroughTheConsumer) {
  Scene scene(program_of({{}}));
  engine::RecordView view;
  view.kind = engine::RecordView::Kind::kFault;
  view.fault = dif::Fault::kDivzero;
  view.probe = 1;
  view.target = 1;
  scene.session().add(view, {});
  EXPECT_EQ(scene.printed(), "");
  EXPECT_EQ(scene.messages(),
            "error in dt_clause_0 for probe ID 17 (syscall:vmlinux:read:entry): divide-by-zero on vm1\n");
}

TEST(Drops, AreReportedAsDifferences) {
  Scene scene(program_of({{}}));
  engine::Drops& drops = scene.session().drops_;
  drops.cpus = {{.target = 0, .cpu = 2, .principal = 3}, {.target = 1, .cpu = 0, .principal = 1, .aggregation = 2}};
  drops.dynamic = 1;
  scene.consumer().report_drops(scene.session());
  EXPECT_EQ(scene.messages(),
            "3 drops on CPU 2\n1 drop on CPU 0 of vm1\n2 aggregation drops on CPU 0 of vm1\n"
            "1 dynamic variable drop\n");
  drops.cpus[0].principal = 4;
  drops.speculation_busy = 2;
  scene.consumer().report_drops(scene.session());
  EXPECT_EQ(scene.messages(), "1 drop on CPU 2\n2 failed speculations (available buffer(s) still busy)\n");
  scene.consumer().report_drops(scene.session());
  EXPECT_EQ(scene.messages(), "");
}

TEST(Drops, HaveATagOnRequest) {
  Options options;
  options.droptags = true;
  Scene scene(program_of({{}}), options);
  scene.session().drops_.cpus = {{.aggregation = 1}};
  scene.consumer().report_drops(scene.session());
  EXPECT_EQ(scene.messages(), "[DTRACEDROP_AGGREGATION] 1 aggregation drop on CPU 0\n");
}

TEST(Drops, EveryKindHasItsTagAndItsPlural) {
  const auto messages = [](uint64_t n) {
    engine::Drops drops{{{.cpu = 1, .principal = n, .aggregation = n}}, n, n, n, n, n, n, n, n};
    std::vector<std::string> texts;
    for (const Drop& drop : drops_since({}, drops, [](engine::TargetId) { return std::string(); })) {
      texts.push_back("[DTRACEDROP_" + drop.kind + "] " + drop.message);
    }
    return texts;
  };
  EXPECT_EQ(messages(1),
            (std::vector<std::string>{"[DTRACEDROP_PRINCIPAL] 1 drop on CPU 1",
                                      "[DTRACEDROP_AGGREGATION] 1 aggregation drop on CPU 1",
                                      "[DTRACEDROP_DYNAMIC] 1 dynamic variable drop",
                                      "[DTRACEDROP_DYNRINSE] 1 dynamic variable drop with non-empty rinsing list",
                                      "[DTRACEDROP_DYNDIRTY] 1 dynamic variable drop with non-empty dirty list",
                                      "[DTRACEDROP_SPEC] 1 speculative drop",
                                      "[DTRACEDROP_SPECBUSY] 1 failed speculation (available buffer(s) still busy)",
                                      "[DTRACEDROP_SPECUNAVAIL] 1 failed speculation (no speculative buffer available)",
                                      "[DTRACEDROP_STKSTROVERFLOW] 1 jstack()/ustack() string table overflow",
                                      "[DTRACEDROP_DBLERROR] 1 error in ERROR probe enabling"}));
  EXPECT_EQ(messages(7),
            (std::vector<std::string>{
                "[DTRACEDROP_PRINCIPAL] 7 drops on CPU 1", "[DTRACEDROP_AGGREGATION] 7 aggregation drops on CPU 1",
                "[DTRACEDROP_DYNAMIC] 7 dynamic variable drops",
                "[DTRACEDROP_DYNRINSE] 7 dynamic variable drops with non-empty rinsing list",
                "[DTRACEDROP_DYNDIRTY] 7 dynamic variable drops with non-empty dirty list",
                "[DTRACEDROP_SPEC] 7 speculative drops",
                "[DTRACEDROP_SPECBUSY] 7 failed speculations (available buffer(s) still busy)",
                "[DTRACEDROP_SPECUNAVAIL] 7 failed speculations (no speculative buffer available)",
                "[DTRACEDROP_STKSTROVERFLOW] 7 jstack()/ustack() string table overflows",
                "[DTRACEDROP_DBLERROR] 7 errors in ERROR probe enabling"}));
}

TEST(Drops, OfMoreCpusThanCanBeToldApart) {
  const engine::Drops drops{.cpus = {{.known = false, .principal = 5}}};
  const auto reports = drops_since({}, drops, [](engine::TargetId) { return std::string(); });
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].message, "5 drops");
}

TEST(Drops, OfAGuest) {
  EXPECT_EQ(guest_drop(12, "vm1", "10 timed out, 2 ring full").message, "12 drops on vm1 (10 timed out, 2 ring full)");
  EXPECT_EQ(guest_drop(1, "vm2", "").message, "1 drop on vm2");
}

}  // namespace
}  // namespace ht::consumer
